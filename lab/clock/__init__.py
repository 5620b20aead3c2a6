"""Time and threads, behind one seam.

Everything in the lab that waits, sleeps, reads the time or starts a thread does it through a `Clock`. `SystemClock` is
the machine's; `VirtualClock` runs the same threads in virtual time.
"""

from lab.clock.clock import Clock, Condition, Thread
from lab.clock.system import SystemClock
from lab.clock.virtual import Deadlock, VirtualClock

__all__ = ["Clock", "Condition", "Deadlock", "SystemClock", "Thread", "VirtualClock"]
