from __future__ import annotations

import io
import tarfile

from lab.runtime.recipes import NGINX, Recipe
from lab.runtime.root_file_system import copy_selection


def packaged(*members: tuple[str, bytes, str]) -> io.BytesIO:
    """Return an archive of (name, type, content or link's destination), as mmdebstrap writes it."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, type, text in members:
            member = tarfile.TarInfo(name)
            member.type = type
            if type == tarfile.REGTYPE:
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
            else:
                member.linkname = text
                tar.addfile(member)
    archive.seek(0)
    return archive


def image(recipe: Recipe, *members: tuple[str, bytes, str]) -> dict[str, tarfile.TarInfo]:
    result = io.BytesIO()
    with tarfile.open(fileobj=packaged(*members)) as source, tarfile.open(fileobj=result, mode="w") as target:
        copy_selection(recipe, source, target)
    result.seek(0)
    with tarfile.open(fileobj=result) as tar:
        return {member.name: member for member in tar}


FILE, DIRECTORY, LINK, HARD_LINK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def test_bin_and_lib_are_merged_into_usr_and_linked() -> None:
    recipe = Recipe(name="x", packages=("dash",))
    files = image(
        recipe, ("./bin/", DIRECTORY, ""), ("./bin/dash", FILE, "#"), ("./usr/bin/env", FILE, "#"), ("./lib64/ld.so", FILE, "#")
    )
    assert {name for name, member in files.items() if member.isreg()} == {"usr/bin/dash", "usr/bin/env", "usr/lib64/ld.so"}
    assert (files["bin"].linkname, files["lib64"].linkname) == ("usr/bin", "usr/lib64")
    assert "sbin" not in files


def test_a_hard_link_follows_its_target_into_usr() -> None:
    files = image(Recipe(name="x", packages=("p",)), ("./bin/bzip2", FILE, "#"), ("./bin/bunzip2", HARD_LINK, "./bin/bzip2"))
    assert files["usr/bin/bunzip2"].linkname == "usr/bin/bzip2"


def test_what_the_recipe_keeps_wins_over_what_it_leaves_out() -> None:
    files = image(
        NGINX,
        ("./usr/share/nginx/html/index.html", FILE, "welcome"),
        ("./usr/share/doc/nginx/README", FILE, "read me"),
        ("./usr/sbin/nginx", FILE, "#"),
        ("./etc/nginx/nginx.conf", FILE, "Debian's"),
        ("./etc/nginx/mime.types", FILE, "types {}"),
        ("./var/lib/dpkg/status", FILE, ""),
    )
    assert {"usr/share/nginx/html/index.html", "usr/sbin/nginx", "etc/nginx/mime.types"} <= files.keys()
    assert not {"usr/share/doc/nginx/README", "var/lib/dpkg/status", "var/lib/dpkg"} & files.keys()
    assert files["etc/nginx/nginx.conf"].size == len(NGINX.files["etc/nginx/nginx.conf"])


def test_only_what_is_named_is_taken_where_the_recipe_names_it() -> None:
    recipe = Recipe(name="x", packages=("catatonit",), only={"usr/bin/catatonit": "pause"})
    assert set(image(recipe, ("./usr/bin/catatonit", FILE, "#"), ("./usr/share/doc/x", FILE, ""))) == {"pause"}


def test_a_recipes_hash_changes_with_what_it_says_and_not_with_the_official_image() -> None:
    recipe = Recipe(name="x", packages=("dash",))
    assert recipe.hash == Recipe(name="x", packages=("dash",), official="sha256:0").hash
    assert recipe.hash != Recipe(name="x", packages=("dash", "sed")).hash
    assert recipe.hash != Recipe(name="x", packages=("dash",), config={"Cmd": ["sh"]}).hash
