"""Skeletons of lessons, examples and challenges: they can be read and run as they are, and an author writes over them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lab.errors import ContentError
from lab.lessons import LANGUAGES, Catalog, Language, Lesson

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
FIRST_EXAMPLE = "first"

LESSON: Mapping[Language, str] = {
    "en": """---
title: {title}
summary: One sentence that says what one can do afterwards.
minutes: 5
---
Which question does this lesson answer?
{{: .question }}

## What happens {{#what-happens}}

One paragraph that leads to the example.

{example}
## What you saw {{#what-you-saw}}

- The hook ended before the stop signal came.

!!! true "A preStop hook ends before the stop signal is sent, if the grace period is long enough." {{#hook-first}}
    proof: {name}: app preStop finished

    The kubelet waits for the hook, at most for the grace period.

!!! reference
    - The order is: hook, stop signal, SIGKILL.
""",
    "zh": """---
title: {title}
summary: 用一句话说明读完之后能做什么。
minutes: 5
---
这一课回答什么问题？
{{: .question }}

## 会发生什么 {{#what-happens}}

用一段话引出示例。

{example}
## 你看到了什么 {{#what-you-saw}}

- 钩子结束之后才发送停止信号。

!!! true "只要宽限期够长，preStop 钩子会在发送停止信号之前结束。" {{#hook-first}}
    proof: {name}: app preStop finished

    kubelet 会等待钩子，最长等到宽限期结束。

!!! reference
    - 顺序是：钩子、停止信号、SIGKILL。
""",
}
PLACE: Mapping[Language, str] = {
    "en": """{{{{ example: {name} }}}}

!!! run
    1. Press **Run**, wait for *Running*, then **Delete**, **Graceful**.
    2. Read **Steps**: the hook ends, then SIGTERM is sent.

Then {{{{ set: {name} spec.terminationGracePeriodSeconds = 2 | set the grace period to 2 }}}} and do it again.

""",
    "zh": """{{{{ example: {name} }}}}

!!! run
    1. 按下**运行**，等到状态变为 *Running*，再按**删除**，选择**优雅删除**。
    2. 看**步骤**：钩子先结束，然后发送 SIGTERM。

然后{{{{ set: {name} spec.terminationGracePeriodSeconds = 2 | 把宽限期设为 2 }}}}，再来一次。

""",
}
CHALLENGE_PLACE = "{{{{ example: {name} }}}}\n\n"

POD = """apiVersion: v1
kind: Pod
metadata:
  name: {name}
spec:
  terminationGracePeriodSeconds: {grace}
  containers:
  - name: app
    image: busybox
    command:
    - /bin/sh
    - -c
    - |
      trap 'echo "app: got SIGTERM"; exit 0' TERM
      echo "app: running"
      sleep 3600 & wait
    lifecycle:
      preStop:
        exec:
          command: ["/bin/sh", "-c", "sleep 3"]
"""
EXAMPLE = """label:
  en: The hook, then the signal
  zh: 先钩子，后信号
look_for:
  en: The hook ends; only then is SIGTERM sent.
  zh: 钩子结束之后才发送 SIGTERM。
delete: graceful
expect:
  story: [app preStop began, app preStop finished, app SIGTERM sent, app exited 0]
  absent: [app SIGKILL]
"""
CHALLENGE = """label:
  en: Cut short
  zh: 被打断的钩子
look_for:
  en: How long the hook needs, and how long it is given.
  zh: 钩子需要多久，又得到了多久。
symptom:
  en: The hook never comes to its end.
  zh: 钩子总是没能执行完。
delete: graceful
expect:
  story: [app preStop began, app preStop timed-out, app SIGTERM sent]
"""
CHECK = """require:
- name: hook-finishes
  that: {seen: app preStop finished}
  pass:
    en: The hook came to its end.
    zh: 钩子执行完了。
  fail:
    en: The hook did not come to its end.
    zh: 钩子没有执行完。
- name: in-time
  that: {never: app SIGKILL sent}
  pass:
    en: Nothing had to be killed.
    zh: 没有东西需要强行终止。
  fail:
    en: The container was killed.
    zh: 容器被强行终止。
failcheck:
- when: {seen: app preStop timed-out}
  say:
    en: The grace period was over before the hook was.
    zh: 钩子还没执行完，宽限期就结束了。
hints:
- when: {not: {seen: app preStop began}}
  say:
    en: Delete the pod gracefully to see the hook.
    zh: 优雅地删除 Pod，才能看到钩子。
"""
BROKEN_GRACE_SECONDS, GRACE_SECONDS = 2, 8


def new_lesson(root: Path, slug: str) -> tuple[Path, ...]:
    """Write a lesson with one example after the last one; return its files. Raises ContentError when that cannot be."""
    folders = sorted(root.glob("[0-9][0-9]-*/"))
    if not SLUG.fullmatch(slug):
        raise ContentError(f"cannot call a lesson {slug}; use lower case letters, digits and hyphens")
    if any(folder.name[3:] == slug for folder in folders):
        raise ContentError(f"cannot make the lesson {slug}: it is there; edit it, or choose another name")
    number = int(folders[-1].name[:2]) + 1 if folders else 1
    folder = root / f"{number:02}-{slug}"
    title = slug.replace("-", " ").capitalize()
    files = []
    for language in LANGUAGES:
        place = PLACE[language].format(name=FIRST_EXAMPLE)
        text = LESSON[language].format(title=title, example=place, name=FIRST_EXAMPLE)
        files.append(_write(folder / f"lesson.{language}.md", text))
    return (*files, *_example(folder / "examples" / FIRST_EXAMPLE))


def new_example(catalog: Catalog, lesson: Lesson, name: str, *, challenge: bool) -> tuple[Path, ...]:
    """Write an example into a lesson and place it before the last heading of its texts; return the files that are new or
    changed. Raises ContentError when that cannot be."""
    if not SLUG.fullmatch(name):
        raise ContentError(f"cannot call an example {name}; use lower case letters, digits and hyphens")
    if catalog.example(f"{lesson.slug}/{name}") is not None:
        raise ContentError(f"cannot make the example {lesson.slug}/{name}: it is there; edit it, or choose another name")
    folder = (catalog.root / lesson.texts[LANGUAGES[0]].path).parent
    files = []
    for language in LANGUAGES:
        file = catalog.root / lesson.texts[language].path
        before, heading, after = _last_heading(file.read_text(encoding="utf-8"))
        place = (CHALLENGE_PLACE if challenge else PLACE[language]).format(name=name)
        files.append(_write(file, f"{before.rstrip()}\n\n{place}{heading}{after}"))
    made = _challenge(folder / "examples" / name) if challenge else _example(folder / "examples" / name)
    return (*files, *made)


def _last_heading(text: str) -> tuple[str, str, str]:
    before, heading, after = text.rpartition("\n## ")
    return (before, heading.lstrip("\n"), after) if heading else (text, "", "")


def _example(folder: Path) -> tuple[Path, ...]:
    pod = _write(folder / "pod.yaml", POD.format(name=folder.name, grace=GRACE_SECONDS))
    return pod, _write(folder / "example.yaml", EXAMPLE)


def _challenge(folder: Path) -> tuple[Path, ...]:
    return (
        _write(folder / "pod.yaml", POD.format(name=folder.name, grace=BROKEN_GRACE_SECONDS)),
        _write(folder / "solution.yaml", POD.format(name=folder.name, grace=GRACE_SECONDS)),
        _write(folder / "example.yaml", CHALLENGE),
        _write(folder / "check.yaml", CHECK),
    )


def _write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
