# SPDX-License-Identifier: MIT
"""The rules that tidy.py holds: each takes a Source and yields (line, text).

CONTRIBUTING.md says why there are levels of includes, why functions are short
and why names tell their files.
"""
import re

from source import width

LINE_MAX = 100
FILE_MAX = 800
FUNCTION_MAX = 70
FUNCTION_USUAL = 45
FUNCTION_USUAL_SHARE = 0.90
TABS_MAX = 4  # a function's own, and three blocks inside

# Benchmarks of pure parts, which may include those.
PART_BENCHMARKS = ("benchmarks/bench_plan.cc",)
PROGRAMS = ("tools/", "examples/", "benchmarks/")
OWN_FOLDERS = ("util", "net", "backend")

BANNED_LIB = "|".join([
    "strcpy", "strcat", "stpcpy", "sprintf", "vsprintf", "gets", "strtok",
    "printf", "fprintf", "vprintf", "vfprintf", "dprintf", "puts", "fputs",
    "putchar", "perror", "getenv", "secure_getenv", "setenv", "abort", "exit",
    "_exit", "system", "popen", "alloca", "rand", "random", "signal"])
# Who may sleep, and why.
MAY_SLEEP = [
    "tests/integration/foreign/peers.py",  # polls for programs that tell nothing
]
BANNED_SLEEP = "sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep|time\\.sleep"
ALLOCATION = "mmap|hl_reserve|hl_memory_allocate|hl_memory_grow"
# The user may have an allocator, so only one file calls the C library's.
HEAP = ("malloc|calloc|realloc|reallocarray|free|strdup|strndup|asprintf|"
        "vasprintf|getline|getdelim|aligned_alloc|memalign|valloc|"
        "posix_memalign")
MAY_USE_HEAP = "lib/util/memory.c"
# Functions that may allocate say so by name; none of these runs for a datagram.
ALLOCATES = re.compile(
    r"(^|_)(create|open|init|attach|grow|reserve|start|prepare|allocate|make)")

# Functions that bear another name than their file's, and why.
OTHER_NAMES = {
    "lib/buffer.c": ["pool"],  # a buffer is nothing without its pool
    "lib/util/reserve.c": ["unreserve"],
}


def in_lib(source):
    return source.name.startswith("lib/")


def folder_of_lib(source):
    """util, net, backend, or '' for the nouns."""
    parts = source.name.split("/")
    return parts[1] if len(parts) > 2 else ""


def stem(source):
    return source.path.stem


def spdx(source):
    head = source.lines[:2]
    if not any("SPDX-License-Identifier: MIT" in line for line in head):
        yield 1, "no SPDX line at the top"


def opening_comment(source):
    if not in_lib(source) or not source.is_c:
        return
    second = source.lines[1] if len(source.lines) > 1 else ""
    if not second.startswith("/*"):
        yield 2, "no comment that says what the file is for"


def line_width(source):
    for number, line in enumerate(source.lines, 1):
        if width(line) > LINE_MAX:
            yield number, f"{width(line)} columns wide, {LINE_MAX} are allowed"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"


def file_length(source):
    if len(source.lines) > FILE_MAX:
        yield FILE_MAX + 1, (f"{len(source.lines)} lines in the file, "
                             f"{FILE_MAX} are allowed")


def function_length(source):
    for function in source.functions:
        if function.length() > FUNCTION_MAX:
            yield function.begin, (f"{function.name}() has {function.length()}"
                                   f" lines, {FUNCTION_MAX} are allowed")


def nesting(source):
    for function in source.functions:
        for number, tabs in source.statement_depths(function):
            if tabs > TABS_MAX:
                yield number, (f"{tabs - 1} blocks deep in {function.name}(), "
                               f"{TABS_MAX - 1} are allowed")


def banned_calls(source):
    if not source.is_c:
        return
    if in_lib(source):
        for number, call in source.calls(BANNED_LIB):
            yield number, f"{call}() has no place in the library"
        for number, call in source.calls(ALLOCATION):
            function = source.function_at(number)
            if (function and number > function.body
                    and not ALLOCATES.search(function.name)):
                yield number, f"{call}() in {function.name}(), which runs later"


def heap_calls(source):
    if not in_lib(source) or not source.is_c or source.name == MAY_USE_HEAP:
        return
    for number, call in source.calls(HEAP):
        yield number, f"{call}() is for {MAY_USE_HEAP}; use hl_memory_..."


def sleeping(source):
    held = source.name.startswith(("lib/", "tests/", "examples/"))
    if not held or source.name in MAY_SLEEP:
        return
    for number, call in source.calls(BANNED_SLEEP):
        yield number, f"{call}(): nothing waits by sleeping"


def _level_of(source, include):
    """The folder of lib that an include is in."""
    if "/" not in include and (source.path.parent / include).exists():
        return folder_of_lib(source)
    folder = include.split("/")[0]
    return folder if folder in OWN_FOLDERS else ""


# Which of the library's own folders a folder may include; hail/ besides.
MAY_INCLUDE = {
    "util": ["util"],
    "net": ["util", "net"],
    "backend": ["util", "net", "backend"],
    "": ["util", "net", "backend", ""],
}


def lib_levels(source):
    if not in_lib(source) or not source.is_c:
        return
    own = folder_of_lib(source)
    for number, kind, include in source.includes():
        if kind == '"' and _level_of(source, include) not in MAY_INCLUDE[own]:
            yield number, f'lib/{own} must not include "{include}"'
        if kind == "<" and include.startswith("hail/") and own == "util":
            yield number, f"lib/util must not know <{include}>"
        if kind == '"' and include.startswith("hail/"):
            yield number, "public headers are included as <hail/...>"


def engine_on_top(source):
    """Level 5: the engine and the shards know the nouns, they don't know
    these."""
    if not in_lib(source) or stem(source).split("_")[0] in ("engine", "shard"):
        return
    for number, kind, include in source.includes():
        if kind == '"' and re.match(r"(engine|shard)(_\w+)?\.h$", include):
            yield number, f'only level 5 may include "{include}"'


def send_and_recv(source):
    if not in_lib(source) or folder_of_lib(source):
        return
    own = stem(source).split("_")[0]
    other = {"send": "recv", "recv": "send"}.get(own)
    for number, kind, include in source.includes():
        if kind == '"' and other and include.startswith(other):
            yield number, f'{own} and {other} must not know each other'


def concrete_backend(source):
    """Only engine.c, and the backend itself, name a concrete backend."""
    may = source.name == "lib/engine.c" or source.name.startswith(
        "lib/backend/")
    if not in_lib(source) or may:
        return
    for number, line in enumerate(source.code, 1):
        match = re.search(r"\bhl_(uring|plain)_\w+", line)
        if match:
            yield number, f"{match.group(0)}: only engine.c names a backend"


def liburing(source):
    name = source.name
    may = name.startswith("lib/backend/uring") or name == "lib/backend/probe.c"
    if may or not name.startswith(("lib/", "include/", "tools/", "examples/")):
        return
    for number, _, include in source.includes():
        if include.startswith("liburing"):
            yield number, "<liburing.h> is for lib/backend/uring* and the probe"


def public_only(source):
    """Programs are written against the public headers, and headers of theirs."""
    if not source.name.startswith(PROGRAMS):
        return
    for number, kind, include in source.includes():
        if (source.name in PART_BENCHMARKS and
                include.startswith(("net/", "util/"))):
            continue
        if kind == '"' and not _is_of_a_program(source, include):
            yield number, f'"{include}" is no program\'s; use <hail/...>'


def _is_of_a_program(source, include):
    tops = [source.root / folder for folder in PROGRAMS]
    places = [top / include for top in tops]
    places.append((source.path.parent / include).resolve())
    return any(place.exists() and top in place.parents
               for place in places for top in tops)


def _prefixes(source):
    """The names that a file's functions may begin with, without hl_."""
    words = stem(source).split("_")
    names = ["_".join(words[:count + 1]) for count in range(len(words))]
    names += [name + "s" for name in names]
    return names + OTHER_NAMES.get(source.name, [])


def function_names(source):
    if not in_lib(source) or source.path.suffix != ".c":
        return
    for function in source.functions:
        name = function.name
        if function.static:
            if name.startswith(("hl_", "hail_")):
                yield function.begin, f"{name}() is static: no prefix"
            continue
        fits = any(name == "hl_" + prefix or name.startswith(f"hl_{prefix}_")
                   for prefix in _prefixes(source))
        if not fits and not name.startswith("hail_"):
            yield function.begin, f"{name}() doesn't tell its file"


_PUBLIC = re.compile(
    r"^(?:#define (?P<macro>\w+)"
    r"|(?:typedef\b.*\b(?P<type>\w+);)"
    r"|(?:struct|enum|union) (?P<tag>\w+)(?: \{|;)"
    r"|\w[\w \*]*?[ \*](?P<function>\w+)\()")


def public_names(source):
    if not source.name.startswith("include/hail/"):
        return
    for number, line in enumerate(source.code, 1):
        match = _PUBLIC.match(line)
        if not match:
            continue
        name = next(value for value in match.groups() if value)
        if not re.match(r"(hail_|HAIL_)", name) and name != "HAIL_H":
            yield number, f"{name}: public names begin with hail_"


def includes_public(source):
    """A public header needs nothing of the library's own."""
    if not source.name.startswith("include/hail/"):
        return
    for number, kind, include in source.includes():
        if kind == '"':
            yield number, f'"{include}": public headers include by <...>'


RULES = [
    spdx, opening_comment, line_width, file_length, function_length, nesting,
    banned_calls, heap_calls, sleeping, lib_levels, engine_on_top, send_and_recv,
    concrete_backend, liburing, public_only, function_names, public_names,
    includes_public]


def usual_length(sources):
    """Nine of ten functions of the tree are short."""
    functions = [(s, f) for s in sources for f in s.functions]
    long = [(s, f) for s, f in functions if f.length() > FUNCTION_USUAL]
    if len(long) <= (1 - FUNCTION_USUAL_SHARE) * len(functions):
        return
    for source, function in long:
        yield source, function.begin, (
            f"{function.name}() has {function.length()} lines, and more than "
            f"one of ten have over {FUNCTION_USUAL}")
