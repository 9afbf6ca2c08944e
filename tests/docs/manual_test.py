# SPDX-License-Identifier: MIT
"""The manual against the headers that it describes, the programs that render
it, and the compiler.

manual_test.py --source FOLDER --first-program FILE [--hail-bench FILE]
               [--build FOLDER] -- COMPILER...
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import headers
from page import Page
from programs import Skip, expect, expect_equal, expect_run, main, run

COLUMNS = 80
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
         "-Wno-unused-function", "-Wno-unused-variable", "-fsyntax-only"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--first-program", required=True)
    parser.add_argument("--hail-bench")
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("compiler", nargs="+")
    return parser.parse_args()


ARGUMENTS = arguments()
PAGES = [Page(path) for path in
         sorted(ARGUMENTS.source.glob("docs/man/*.scd"))]
HEADERS = headers.read_all(ARGUMENTS.source / "include" / "hail")


def gathered(attribute):
    """The union of a dict or set of every header."""
    both = {}
    for header in HEADERS:
        value = getattr(header, attribute)
        both.update(value if isinstance(value, dict)
                    else dict.fromkeys(value))
    return both


def exported():
    path = ARGUMENTS.source / "tests" / "api" / "exports.txt"
    return {line for line in path.read_text().splitlines()
            if line and not line.startswith("#")}


def pages_of(name):
    return [page for page in PAGES if name in page.names()]


def expect_none(found, what):
    expect(not found, what + ": " + ", ".join(sorted(found)))


def every_function_and_type_is_named_by_one_page():
    for name in sorted(exported() | set(gathered("types"))):
        titles = [page.title for page in pages_of(name)]
        expect_equal(len(titles), 1, f"pages that name {name} {titles}")


def a_page_is_named_first_in_its_name_section():
    for page in PAGES:
        expect_equal(page.names()[0], page.title, page.path.name)
        expect(page.text.startswith(page.name + "\n"),
               f"{page.path.name} begins otherwise")


def a_name_is_a_function_a_type_or_the_page_itself():
    known = exported() | set(gathered("types"))
    for page in PAGES:
        wrong = set(page.names()[1:]) - known
        wrong -= {name for name in wrong if f"struct {name};" in DECLARED}
        expect_none(wrong, f"{page.name} names what isn't there")


def a_synopsis_shows_what_the_headers_declare():
    prototypes = gathered("prototypes")
    expect_equal(set(prototypes), exported(), "functions of the headers")
    for page in PAGES:
        synopsis = headers.squeeze(page.section("SYNOPSIS"))
        wanted = [name for name in page.names() if name in prototypes]
        for name in wanted:
            expect(prototypes[name] in synopsis,
                   f"{page.name} doesn't show {prototypes[name]}")
        shown = set(re.findall(r"\b(hail_\w+)\(", synopsis))
        expect_equal(shown, set(wanted), f"functions shown by {page.name}")


def a_synopsis_shows_structs_with_all_their_members():
    members = gathered("members")
    for page in PAGES:
        for name, body in re.findall(r"^struct (hail_\w+) \{\n(.*?)^\};",
                                     page.section("SYNOPSIS"), re.M | re.S):
            shown = re.findall(r"(\w+)(?:\[\w+\])?;", body)
            expect_equal(shown, members[name], f"struct {name}")


def what_a_page_speaks_of_exists():
    known = set(gathered("words")) | {page.title for page in PAGES}
    for page in PAGES:
        for word in re.findall(r"\bhail_\w+|\bHAIL_\w+", page.plain()):
            there = word in known or word.endswith("_") and any(
                other.startswith(word) for other in known)
            expect(there, f"{page.name} speaks of {word}")


def every_constant_and_macro_is_described():
    described = set().union(*(page.terms() for page in PAGES))
    expect_none(set(gathered("constants")) - described, "not described")


def every_member_of_a_struct_is_described_with_it():
    for struct, members in gathered("members").items():
        page = pages_of(struct)[0]
        expect_none({member for member in members
                     if not re.search(rf"[*_]{member}[*_]", page.text)},
                    f"members of {struct} that {page.name} leaves out")


def every_error_of_a_header_is_on_its_pages():
    for header in HEADERS:
        if header.name == "hail.h":
            continue
        names = set(header.prototypes) | header.types
        text = " ".join(page.text for page in PAGES
                        if names & set(page.names()))
        expect_none({error for error in header.errors()
                     if not re.search(rf"-{error}\b", text)},
                    f"errors of {header.name}")


def a_page_refers_to_pages_that_exist():
    known = {f"{name}{page.name[len(page.title):]}"
             for page in PAGES for name in page.names()}
    for page in PAGES:
        expect(page.section("SEE ALSO"), f"{page.name} has no SEE ALSO")
        expect_none({reference for reference in page.references()
                     if reference.startswith("hail")} - known,
                    f"{page.name} refers to")
        expect(page.name in "hail(7)" or "hail(7)" in page.references(),
               f"{page.name} doesn't lead back to hail(7)")


def every_page_of_section_3_has_its_sections():
    for page in PAGES:
        for heading in ["DESCRIPTION", "RETURN VALUE", "EXAMPLES"]:
            expect(page.section(heading) or not page.name.endswith("(3)"),
                   f"{page.name} has no {heading}")


def every_example_compiles():
    for page in PAGES:
        for number, text in enumerate(page.examples(), 1):
            if "#include" not in text:
                text = "#include <hail/hail.h>\n" + text
            status, _, errors = run(
                *ARGUMENTS.compiler, *FLAGS, "-I",
                str(ARGUMENTS.source / "include"), "-x", "c", "-",
                stdin=text.encode())
            expect(status == 0, f"{page.name}, example {number}:\n{errors}")


def the_first_program_prints_what_it_sent():
    expect_equal(expect_run(ARGUMENTS.first_program), b"hello\n", "output")


def every_option_of_hail_bench_is_described():
    if not ARGUMENTS.hail_bench:
        raise Skip("built without the tools")
    text = expect_run(ARGUMENTS.hail_bench, "--help").decode()
    there = set(re.findall(r"^  (--[\w-]+(?: [A-Z]+)?)", text, re.M))
    page = next(page for page in PAGES if page.title == "hail-bench")
    described = {" ".join(filter(None, option)) for option in re.findall(
        r"^\*(--[\w-]+)\*(?: _([A-Z]+)_)?$", page.text, re.M)}
    expect_equal(described, there, "options")


def need_built(program):
    if not ARGUMENTS.build:
        raise Skip("built without scdoc")
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def in_man(*argv):
    """Runs man in a terminal of COLUMNS, whatever the user's is."""
    done = subprocess.run(
        ["man", *argv], capture_output=True, text=True, encoding="utf-8",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
             "MANWIDTH": str(COLUMNS), "MANPAGER": "cat"}, check=False)
    return done.returncode, done.stdout, done.stderr


def every_page_renders_without_a_warning():
    need_built("man")
    for page in PAGES:
        path = ARGUMENTS.build / "docs" / "man" / page.path.stem
        if not path.exists() and not ARGUMENTS.hail_bench:
            continue
        status, output, errors = in_man("--warnings=w", "-E", "UTF-8", "-l",
                                        str(path))
        expect(status == 0 and not errors, f"{page.name}: {errors}")
        wide = [line for line in output.splitlines() if len(line) > COLUMNS]
        expect(not wide, f"{page.name} is too wide: {wide}")


def every_name_is_found_where_the_manual_is_installed():
    need_built("man")
    with tempfile.TemporaryDirectory() as folder:
        expect_run("meson", "install", "-C", str(ARGUMENTS.build),
                   "--no-rebuild", "--tags", "man", "--destdir", folder)
        found = list(pathlib.Path(folder).glob("**/man7/hail.7"))
        expect_equal(len(found), 1, "installed hail.7")
        root = str(found[0].parents[1])
        for name in sorted(exported() | {"hail", "hail_message"}):
            status, output, errors = in_man("-M", root, "-w", name)
            title = pages_of(name)[0].path.stem
            expect(status == 0 and
                   os.path.basename(os.path.realpath(output.strip())) == title,
                   f"man -w {name}: {output}{errors}")
        status, output, errors = in_man("-M", root, "hail_send_many")
        expect(status == 0 and "hail_send(3)" in output, errors)


DECLARED = " ".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ARGUMENTS.source / "include" / "hail").glob("*.h")))

main(every_function_and_type_is_named_by_one_page,
     a_page_is_named_first_in_its_name_section,
     a_name_is_a_function_a_type_or_the_page_itself,
     a_synopsis_shows_what_the_headers_declare,
     a_synopsis_shows_structs_with_all_their_members,
     what_a_page_speaks_of_exists,
     every_constant_and_macro_is_described,
     every_member_of_a_struct_is_described_with_it,
     every_error_of_a_header_is_on_its_pages,
     a_page_refers_to_pages_that_exist,
     every_page_of_section_3_has_its_sections,
     every_example_compiles,
     the_first_program_prints_what_it_sent,
     every_option_of_hail_bench_is_described,
     every_page_renders_without_a_warning,
     every_name_is_found_where_the_manual_is_installed)
