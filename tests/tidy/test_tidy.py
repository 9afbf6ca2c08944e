# SPDX-License-Identifier: MIT
"""Each rule of tidy.py finds its breach, and leaves alone what is right."""
import pathlib
import tempfile
import unittest

import tidy

HEAD = "/* SPDX-License-Identifier: MIT */\n/* What it is for. */\n"


def found(name, text, head=HEAD, beside=None):
    """The breaches of a tree of one file, and those `beside` it, empty ones."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        for other in beside or []:
            write(root / other, HEAD)
        write(root / name, head + text)
        return [breach for breach in tidy.breaches(root)
                if breach.startswith(name + ":")]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def function(signature, *lines):
    body = "".join(line + "\n" for line in lines)
    return f"{signature}\n{{\n{body}}}\n"


class Rules(unittest.TestCase):
    def breach(self, name, text, wanted, line=3, **more):
        breaches = found(name, text, **more)
        self.assertEqual(len(breaches), 1, breaches)
        self.assertTrue(breaches[0].startswith(f"{name}:{line}: "), breaches)
        self.assertIn(wanted, breaches[0])

    def right(self, name, text, **more):
        self.assertEqual(found(name, text, **more), [])

    def test_a_file_has_a_licence_line_at_its_top(self):
        self.breach("tools/a.c", "int x;\n", "SPDX", line=1, head="")
        self.right("tests/a.sh", "", head="#!/bin/sh\n# SPDX-License-"
                   "Identifier: MIT\n")

    def test_a_file_of_the_library_says_what_it_is_for(self):
        self.breach("lib/a.c", "int x;\n", "comment", line=2,
                    head="/* SPDX-License-Identifier: MIT */\n")

    def test_lines_are_at_most_100_wide_and_tabs_count_8(self):
        self.right("lib/a.c", "\t" * 12 + "aaaa\n")
        self.breach("lib/a.c", "\t" * 12 + "aaaaa\n", "101 columns")
        self.breach("lib/a.c", "int x; \n", "blanks")

    def test_files_are_at_most_800_lines_long(self):
        self.right("lib/a.h", "int x;\n" * 798)
        self.breach("lib/a.h", "int x;\n" * 799, "801 lines", line=801)

    def test_functions_are_at_most_70_lines_long(self):
        usual = "".join(function(f"static void f{i}(void)")
                        for i in range(20))
        self.right("lib/a.c", usual + function("static void f(void)",
                                               *["\tg();"] * 67))
        self.breach("lib/a.c", usual + function("static void f(void)",
                                                *["\tg();"] * 68),
                    "f() has 71 lines", line=63)

    def test_nine_of_ten_functions_are_under_45_lines(self):
        long = function("static void f(void)", *["\tg();"] * 43)
        self.breach("lib/a.c", long, "one of ten")

    def test_blocks_are_at_most_three_deep(self):
        def nested(depth):
            tabs = ["\t" * (i + 1) + "if (x) {" for i in range(depth)]
            ends = ["\t" * (i + 1) + "}" for i in reversed(range(depth))]
            return function("static void f(void)", *tabs,
                            "\t" * (depth + 1) + "g();", *ends)
        self.right("lib/a.c", nested(3))
        self.breach("lib/a.c", nested(4), "4 blocks deep", line=9)

    def test_a_block_without_braces_is_a_block(self):
        lines = ["\t" * (i + 1) + "if (x)" for i in range(4)]
        self.breach("lib/a.c", function("static void f(void)", *lines,
                                        "\t\t\t\t\tg();"), "deep", line=9)

    def test_a_continued_line_is_no_block(self):
        self.right("lib/a.c", function(
            "static void f(void)", "\tg(1,", "\t\t\t\t\t2,", "\t\t\t\t\t3);",
            "\tx = a ||", "\t\t\t\t\t\tb;", "\tx = g(1)",
            "\t\t\t\t\t\t? b : c;"))

    def test_the_library_prints_nothing_and_ends_nothing(self):
        for call in ["printf", "sprintf", "strcpy", "getenv", "abort", "exit"]:
            self.breach("lib/a.c", function("static void f(void)",
                                            f"\t{call}(x);"),
                        f"{call}()", line=5)
        self.right("lib/a.c", function("static void f(void)",
                                       "\tsnprintf(x, 1, \"exit(1)\");",
                                       "\t/* abort() */", "\tx->exit(1);"))
        self.right("tools/a.c", function("static void f(void)", "\texit(1);"))

    def test_only_what_makes_something_allocates(self):
        self.right("lib/a.c", function("int hl_a_create(void)",
                                       "\thl_memory_allocate(m, 1, 1);"))
        self.breach("lib/a.c", function("int hl_a_flush(void)",
                                        "\thl_memory_allocate(m, 1, 1);"),
                    "hl_memory_allocate()", line=5)

    def test_only_one_file_uses_the_heap(self):
        for call in ["malloc", "calloc", "realloc", "free", "strdup"]:
            body = function("int hl_memory_create(void)", f"\t{call}(x);")
            self.breach("lib/backend/memory.c", body, f"{call}()", line=5)
            self.right("lib/util/memory.c", body)
            self.right("tools/memory.c", body)
        self.right("lib/a.c", function("static void f(void)",
                                       "\tx->free(1);", "\tfreeaddrinfo(x);"))

    def test_nothing_sleeps(self):
        body = function("static void f(void)", "\tusleep(1);")
        self.breach("tests/a.c", body, "usleep()", line=5)
        self.breach("lib/a.c", body, "usleep()", line=5)
        self.right("benchmarks/a.c", body)
        self.breach("tests/a.py", "time.sleep(1)\n", "time.sleep()", line=2,
                    head="# SPDX-License-Identifier: MIT\n")

    def test_a_level_includes_only_itself_and_those_below(self):
        for name, include in [("lib/util/a.c", "net/addr.h"),
                              ("lib/util/a.c", "engine.h"),
                              ("lib/net/a.c", "backend/backend.h"),
                              ("lib/net/a.c", "socket.h"),
                              ("lib/backend/a.c", "socket.h")]:
            breaches = found(name, f'#include "{include}"\n')
            self.assertTrue(any("must not include" in b for b in breaches),
                            (name, include, breaches))
        for name, include in [("lib/util/a.c", "util/list.h"),
                              ("lib/net/a.c", "util/list.h"),
                              ("lib/backend/a.c", "net/addr.h"),
                              ("lib/a.c", "backend/backend.h"),
                              ("lib/a.c", "socket.h")]:
            self.right(name, f'#include "{include}"\n')
        self.right("lib/backend/a.c", '#include "uring.h"\n',
                   beside=["lib/backend/uring.h"])
        self.breach("lib/util/a.c", "#include <hail/addr.h>\n", "know")

    def test_only_the_engine_knows_the_engine(self):
        self.breach("lib/socket.c", '#include "engine.h"\n', "level 5")
        self.right("lib/engine.c", '#include "engine.h"\n')

    def test_send_and_recv_do_not_know_each_other(self):
        self.breach("lib/send_queue.c", '#include "recv.h"\n', "each other")
        self.breach("lib/recv.c", '#include "send.h"\n', "each other")
        self.right("lib/send_queue.c", '#include "send.h"\n')

    def test_only_the_engine_names_a_backend(self):
        body = function("static void f(void)", "\tg(&hl_uring_ops);")
        self.breach("lib/socket.c", body, "hl_uring_ops", line=5)
        self.right("lib/engine.c", body)

    def test_liburing_is_for_the_backend_and_the_probe(self):
        include = "#include <liburing.h>\n"
        self.breach("lib/engine.c", include, "liburing")
        self.breach("lib/backend/plain.c", include, "liburing")
        self.right("lib/backend/uring_send.c", include)
        self.right("lib/backend/probe.c", include)
        self.right("benchmarks/a.c", include)

    def test_programs_know_only_the_public_headers(self):
        for name in ["tools/a.c", "examples/a.c", "benchmarks/a.cc"]:
            self.breach(name, '#include "net/addr.h"\n', "no program's",
                        beside=["lib/net/addr.h"])
            self.breach(name, '#include "socket.h"\n', "no program's",
                        beside=["lib/socket.h"])
        self.right("benchmarks/bench_plan.cc", '#include "net/gso.h"\n',
                   beside=["lib/net/gso.h"])
        self.breach("benchmarks/bench_plan.cc", '#include "socket.h"\n',
                    "no program's", beside=["lib/socket.h"])
        self.right("tools/a.c", '#include "b.h"\n', beside=["tools/b.h"])
        self.right("tools/a/a.c", '#include "../b.h"\n', beside=["tools/b.h"])
        self.right("tools/a.c", '#include "b.h"\n',
                   beside=["benchmarks/b.h"])
        self.right("benchmarks/a/a.c", '#include "b/b.h"\n',
                   beside=["benchmarks/b/b.h"])
        self.breach("benchmarks/a/a.c", '#include "b.h"\n', "no program's",
                    beside=["benchmarks/b/b.h"])

    def test_a_name_tells_its_file(self):
        body = function("int hl_heap_insert(int x)", "\treturn 0;")
        self.right("lib/util/heap.c", body)
        self.right("lib/heap_extra.c", body)
        self.right("lib/heap.c", function("int hail_anything(void)"))
        self.breach("lib/util/list.c", body, "doesn't tell its file")
        self.breach("lib/a.c", function("int helper(void)"), "doesn't tell")
        self.breach("lib/a.c", function("static int hl_a_b(void)"), "static")

    def test_public_names_begin_with_hail(self):
        for text in ["#define OTHER 1\n", "struct other {\n", "struct other;\n",
                     "typedef int other;\n", "int other(int x);\n",
                     "const char *other(void);\n"]:
            self.breach("include/hail/a.h", text, "begin with hail_")
        self.right("include/hail/a.h", "#define HAIL_A 1\nstruct hail_a;\n"
                   "const char *hail_a(struct sockaddr *x);\n")

    def test_a_public_header_includes_no_other_kind(self):
        self.breach("include/hail/a.h", '#include "b.h"\n', "<...>")


if __name__ == "__main__":
    unittest.main()
