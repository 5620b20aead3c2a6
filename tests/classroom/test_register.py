"""The register: classes with codes, seats in them, and names that people can tell apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.classroom.model import LONGEST_NAME, Instructor, clean_name, is_same_name
from lab.classroom.passwords import hash_password
from lab.classroom.register import CODE_LENGTH, CODE_LETTERS, GUESSES, SIGN_INS, Register, plain_code
from lab.clock import SystemClock, VirtualClock
from lab.errors import ClassroomError, StoreError
from lab.store.store import Store
from tests.store.conftest import FullDisk

HERE = "192.0.2.1"
PASSWORD = "a password for tests"


@pytest.fixture
def register(store: Store, clock: VirtualClock) -> Register:
    return Register(store.classes, clock)


@given(st.text())
def test_a_name_is_kept_in_one_form_or_refused(text: str) -> None:
    try:
        name = clean_name(text)
    except ClassroomError:
        return
    assert clean_name(name) == name
    assert 1 <= len(name) <= LONGEST_NAME
    assert name.isprintable()


@pytest.mark.parametrize("text", ["", "  ", "a\u202eb", "a\x00b", "\u2800", "\u3164", "x" * 41])
def test_a_name_that_nobody_could_see_or_that_turns_the_text_around_is_refused(text: str) -> None:
    with pytest.raises(ClassroomError):
        clean_name(text)


@pytest.mark.parametrize(("left", "right"), [("Ada", "ADA"), ("ﬁnn", "finn"), ("Straße", "STRASSE"), ("Zoë", "Zoe\u0308")])
def test_names_that_look_alike_are_the_same(left: str, right: str) -> None:
    assert is_same_name(left, right)


@given(st.text(CODE_LETTERS, min_size=CODE_LENGTH, max_size=CODE_LENGTH), st.text())
def test_a_code_may_be_typed_small_and_in_groups(code: str, anything: str) -> None:
    assert plain_code(f" {code[:3].lower()} - {code[3:]} ") == code
    assert len(plain_code(anything)) <= CODE_LENGTH
    assert plain_code(anything).isascii()


def test_whoever_has_the_code_gets_a_seat_and_a_cluster_of_their_own(register: Register) -> None:
    code = register.open_class("Hooks").code
    ada = register.join(code.lower(), " Ada  Lovelace ", HERE)
    grace = register.join(f"{code[:3]} {code[3:]}", "Grace", HERE)
    assert ada.nickname == "Ada Lovelace"
    assert ada.cluster != grace.cluster
    assert register.roster(ada.class_id) == (ada, grace)
    assert register.learner_of(grace.cluster) == grace


def test_two_classes_have_different_codes_and_rosters(register: Register) -> None:
    one, two = register.open_class("One"), register.open_class("Two")
    assert one.code != two.code
    register.join(one.code, "Ada", HERE)
    register.join(two.code, "Ada", HERE)
    assert len(register.roster(one.id)) == len(register.roster(two.id)) == 1
    assert [kept.name for kept in register.classes()] == ["Two", "One"]


def test_a_name_that_is_taken_is_refused_until_it_is_free_again(register: Register) -> None:
    code = register.open_class("Hooks").code
    ada = register.join(code, "Ada", HERE)
    with pytest.raises(ClassroomError, match="ADA"):
        register.join(code, "ADA", HERE)
    register.remove(ada.id)
    register.join(code, "ADA", HERE)


def test_a_class_that_has_ended_takes_nobody_until_it_is_reopened(register: Register) -> None:
    kept = register.open_class("Hooks")
    register.close_class(kept.id)
    with pytest.raises(ClassroomError):
        register.join(kept.code, "Ada", HERE)
    register.reopen_class(kept.id)
    register.join(kept.code, "Ada", HERE)


def test_ending_a_paused_class_leaves_no_pause_behind(register: Register) -> None:
    kept = register.open_class("Hooks")
    register.pause_class(kept.id, paused=True)
    register.close_class(kept.id)
    assert not register.reopen_class(kept.id).paused


def test_a_new_code_is_the_only_one_that_lets_in_and_who_is_in_stays_in(register: Register) -> None:
    kept = register.open_class("Hooks")
    ada = register.join(kept.code, "Ada", HERE)
    changed = register.change_code(kept.id)
    with pytest.raises(ClassroomError, match="No open class has that code"):
        register.join(kept.code, "Eve", HERE)
    assert register.join(changed.code, "Grace", HERE) in register.roster(kept.id)
    assert register.roster(kept.id)[0] == ada


def test_guessing_codes_is_stopped_and_others_still_join(register: Register, clock: VirtualClock) -> None:
    code = register.open_class("Hooks").code
    for _ in range(GUESSES):
        with pytest.raises(ClassroomError) as refused:
            register.join("WRNGCD", "Eve", HERE)
        assert refused.value.retry_seconds is None
    with pytest.raises(ClassroomError) as refused:
        register.join(code, "Eve", HERE)
    assert refused.value.retry_seconds
    register.join(code, "Ada", "192.0.2.2")
    clock.sleep(refused.value.retry_seconds)
    register.join(code, "Late", HERE)


def test_a_right_code_with_a_taken_name_is_no_guess(register: Register) -> None:
    code = register.open_class("Hooks").code
    register.join(code, "Ada", HERE)
    for _ in range(2 * GUESSES):
        with pytest.raises(ClassroomError, match="called Ada"):
            register.join(code, "Ada", HERE)


def test_those_who_join_next_get_the_clusters_that_were_made_ready(register: Register) -> None:
    kept = register.open_class("Hooks")
    ready = register.spare_clusters(kept.id, 2)
    assert register.spare_clusters(kept.id, 1) == ready, "what is ready stays"
    assert [register.join(kept.code, name, HERE).cluster for name in ("Ada", "Grace")] == list(ready)
    assert register.spare_clusters(kept.id) == ()
    assert register.join(kept.code, "Linus", HERE).cluster not in ready


def test_who_listens_is_told_after_every_change_and_after_nothing_else(register: Register) -> None:
    heard: list[str] = []
    register.listen(heard.append)
    kept = register.open_class("Hooks")
    ada = register.join(kept.code, "Ada", HERE)
    register.rename(ada.id, "Ada L")
    with pytest.raises(ClassroomError):
        register.rename(ada.id, "")
    assert heard == [kept.id] * 3


def test_who_listens_may_ask_and_wait_for_others_who_ask(register: Register, clock: VirtualClock) -> None:
    answers: list[bool] = []

    def ask(class_id: str) -> None:
        other = clock.spawn("asker", lambda: answers.append(register.find_class(class_id) is not None))
        other.join()

    register.listen(ask)
    register.pause_class(register.open_class("Hooks").id, paused=True)
    assert answers == [True, True]


def test_a_change_that_cannot_be_stored_does_not_hold(register: Register, full_disk: FullDisk) -> None:
    kept = register.open_class("Hooks")
    with full_disk(), pytest.raises(StoreError):
        register.pause_class(kept.id, paused=True)
    found = register.find_class(kept.id)
    assert found is not None
    assert not found.paused


def test_everything_is_there_after_a_restart(register: Register, store: Store, clock: VirtualClock) -> None:
    kept = register.open_class("Hooks")
    ada = register.join(kept.code, "Ada", HERE)
    gone = register.join(kept.code, "Eve", HERE)
    register.remove(gone.id)
    register.pause_class(kept.id, paused=True)
    again = Register(store.classes, clock)
    assert again.classes() == register.classes()
    assert again.roster(kept.id) == (ada,)
    assert again.learner(gone.id) == register.learner(gone.id)


def test_signing_in_takes_name_and_password_and_says_the_same_of_either(register: Register, store: Store) -> None:
    store.classes.keep_instructor(Instructor(name="ada", password_hash=hash_password(PASSWORD), cluster="c1"))
    assert register.sign_in("ada", PASSWORD, HERE).cluster == "c1"
    said = set()
    for name, password in (("ada", "wrong"), ("nobody", PASSWORD), ("", "")):
        with pytest.raises(ClassroomError) as refused:
            register.sign_in(name, password, HERE)
        said.add(str(refused.value))
    assert len(said) == 1


def test_guessing_a_password_is_stopped_from_wherever_it_comes(register: Register, store: Store) -> None:
    store.classes.keep_instructor(Instructor(name="ada", password_hash=hash_password(PASSWORD), cluster="c1"))
    for number in range(SIGN_INS):
        with pytest.raises(ClassroomError):
            register.sign_in("ada", "wrong", f"192.0.2.{number}")
    with pytest.raises(ClassroomError) as refused:
        register.sign_in("ada", PASSWORD, "192.0.2.99")
    assert refused.value.retry_seconds


def test_guessing_many_passwords_at_once_gets_no_more_guesses(store: Store) -> None:
    clock = SystemClock()
    register = Register(store.classes, clock)
    store.classes.keep_instructor(Instructor(name="ada", password_hash=hash_password(PASSWORD), cluster="c1"))
    judged: list[bool] = []

    def guess() -> None:
        try:
            register.sign_in("ada", "wrong", HERE)
        except ClassroomError as refused:
            judged.append(refused.retry_seconds is None)

    threads = [clock.spawn(f"guess {number}", guess) for number in range(3 * SIGN_INS)]
    for thread in threads:
        thread.join()
    assert judged.count(True) == SIGN_INS
    assert judged.count(False) == 2 * SIGN_INS


def test_tries_with_long_names_are_remembered_in_few_characters(register: Register) -> None:
    with pytest.raises(ClassroomError, match="is wrong"):
        register.sign_in("x" * 100_000, "wrong", HERE)
    assert max(len(key) for key in register._sign_ins._failures) < 100


def test_who_asks_is_answered_while_a_change_is_being_stored(register: Register, store: Store, clock: VirtualClock) -> None:
    kept = register.open_class("Hooks")
    asked: list[object] = []

    class Slow:
        def keep_class(self, changed: object) -> None:
            def ask() -> None:
                asked.append((register.classes(), register.roster(kept.id), register.spare_clusters(kept.id)))

            clock.spawn("asker", ask).join()
            store.classes.keep_class(changed)  # type: ignore[arg-type]

    register._store = Slow()  # type: ignore[assignment]
    register.pause_class(kept.id, paused=True)
    assert asked == [((kept,), (), ())]
