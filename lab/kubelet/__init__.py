"""The kubelet: one worker per pod, starting, hooking, probing and killing its containers."""
