# SPDX-License-Identifier: MIT
"""Installs hail into a folder and uses it as other projects do: through
pkg-config, shared and static, and as a meson subproject. The program that they
build is the one in README.md, which therefore can't rot."""

import glob
import os
import re
import shlex
import sys
import tempfile

from programs import (Program, expect, expect_equal, expect_run, main, need,
                      receiver)

SOURCE = sys.argv[1]
CC = shlex.split(os.environ.get("CC", "cc"))
PROJECT = """project('user', 'c')
executable('echo', 'echo.c',
  dependencies: dependency('hail', fallback: 'hail', version: '>= 0.1'))
"""


def path(*names):
    return os.path.join(FOLDER, *names)


def build(source, folder, *options):
    """Sets up and builds a meson project with nothing optional of hail."""
    expect_run("meson", "setup", source, folder, *options, deadline=120)
    expect_run("ninja", "-C", folder, deadline=300)


def readme_program():
    """Writes the first C block of README.md to a file and returns its
    path."""
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as readme:
        text = re.search(r"^```c\n(.*?)^```$", readme.read(), re.S | re.M)
    expect(text, "README.md has no program")
    lines = text.group(1).count("\n")
    expect(lines <= 40, f"the program in README.md has grown to {lines} lines")
    with open(path("echo.c"), "w", encoding="utf-8") as program:
        program.write(text.group(1))
    return path("echo.c")


def flags(*options):
    """What pkg-config tells of the installed hail."""
    folders = os.path.dirname(find("hail.pc"))
    return shlex.split(expect_run(
        "env", f"PKG_CONFIG_PATH={folders}", "pkg-config", *options,
        "hail").decode())


def find(name):
    found = glob.glob(path("prefix", "**", name), recursive=True)
    expect(found, f"{name} isn't installed")
    return found[0]


def expect_echo(*argv):
    """Runs the program and sends it a datagram."""
    with Program(*argv) as echo:
        port = int(echo.expect(r"port (\d+)$").group(1))
        plain, _ = receiver()
        with plain:
            plain.sendto(b"hello", ("127.0.0.1", port))
            expect_equal(plain.recv(100), b"hello", "answer")


def it_installs_headers_libraries_and_pkg_config():
    build(SOURCE, path("build"), "--prefix", path("prefix"),
          "-Dtests=disabled", "-Dbenchmarks=disabled", "-Dexamples=false",
          "-Dtools=false")
    expect_run("meson", "install", "-C", path("build"), "--no-rebuild")
    wanted = {os.path.basename(header) for header in
              glob.glob(os.path.join(SOURCE, "include", "hail", "*.h"))}
    found = set(os.listdir(os.path.dirname(find("hail.h"))))
    expect_equal(found, wanted, "headers")
    for name in ("libhail.a", "libhail.so", "libhail.so.0", "hail.pc"):
        find(name)
    version = expect_run("meson", "introspect", "--projectinfo",
                         path("build")).decode()
    expect(f'"{flags("--modversion")[0]}"' in version, "version of hail.pc")


def it_installs_below_a_destdir():
    expect_run("env", f"DESTDIR={path('root')}", "meson", "install", "-C",
               path("build"), "--no-rebuild")
    expect(os.path.exists(path("root") + path("prefix", "include", "hail",
                                              "hail.h")), "hail.h")


def the_readme_program_works_with_the_shared_library():
    expect_run(*CC, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-std=c11",
               readme_program(), "-o", path("shared"),
               *flags("--cflags", "--libs"))
    libraries = os.path.dirname(find("libhail.so"))
    linked = expect_run("env", f"LD_LIBRARY_PATH={libraries}", "ldd",
                        path("shared")).decode()
    expect(libraries in linked, linked)
    expect_echo("env", f"LD_LIBRARY_PATH={libraries}", path("shared"))


def the_readme_program_works_with_the_static_library():
    expect_run(*CC, "-static", "-std=c11", readme_program(), "-o",
               path("static"), *flags("--static", "--cflags", "--libs"))
    expect_echo(path("static"))


def the_readme_program_works_with_a_subproject():
    os.makedirs(path("user", "subprojects"))
    os.symlink(SOURCE, path("user", "subprojects", "hail"))
    os.replace(readme_program(), path("user", "echo.c"))
    with open(path("user", "meson.build"), "w", encoding="utf-8") as project:
        project.write(PROJECT)
    build(path("user"), path("user-build"), "--wrap-mode=forcefallback",
          "-Dhail:tests=disabled", "-Dhail:benchmarks=disabled",
          "-Dhail:examples=false", "-Dhail:tools=false")
    expect_echo(path("user-build", "echo"))


need("meson", "ninja", "pkg-config", "ldd")
with tempfile.TemporaryDirectory() as FOLDER:
    main(it_installs_headers_libraries_and_pkg_config,
         it_installs_below_a_destdir,
         the_readme_program_works_with_the_shared_library,
         the_readme_program_works_with_the_static_library,
         the_readme_program_works_with_a_subproject)
