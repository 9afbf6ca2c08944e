# SPDX-License-Identifier: MIT
"""The discover example on one machine, and on two: network namespaces with a
link between them, where interfaces and addresses are the test's."""

import os
import subprocess
import sys
import time

from programs import (DEADLINE, Program, expect, expect_equal, expect_run,
                      in_own_network, main, need, run)

DISCOVER = os.path.join(sys.argv[1], "discover")
PORT = "5353"  # nobody else is in these networks
GROUPS = ("239.1.2.3", "ff02::1:3", "ff15::1:3")


def discover(group, interface, name, prefix=()):
    program = Program(*prefix, DISCOVER, group, PORT, interface, name)
    program.expect(r"^listening on ")
    return program


def expect_heard(program, name, address=r"\S+"):
    program.expect(rf"^heard {name} from {address}:{PORT}$")


def expect_end(*programs):
    for program in programs:
        expect_equal(program.interrupt(), 0, "exit status")


def programs_on_one_machine_find_each_other():
    for group in GROUPS:
        with discover(group, "here", "ada") as ada:
            with discover(group, "here", "bob") as bob:
                expect_heard(ada, "bob")
                expect_heard(bob, "ada")
                with discover(group, "here", "eve") as eve:
                    expect_heard(ada, "eve")
                    expect_heard(bob, "eve")
                    expect_heard(eve, "(ada|bob)")
                    expect_heard(eve, "(ada|bob)")
                    expect_end(ada, bob, eve)
        for program in (ada, bob, eve):
            heard = [line for line in program.output if "heard" in line]
            expect_equal(len(heard), 2, f"heard by one of three: {heard}")


def programs_on_two_machines_find_each_other():
    for group in GROUPS:
        six = ":" in group
        with discover(group, "here", "ada") as ada:
            with discover(group, "there", "bob", AWAY) as bob:
                expect_heard(ada, "bob", r"\[fe80::\S+%here\]" if six
                             else r"10\.1\.0\.2")
                expect_heard(bob, "ada", r"\[fe80::\S+%there\]" if six
                             else r"10\.1\.0\.1")
                expect_end(ada, bob)


def those_of_another_group_are_not_heard():
    with discover("239.1.2.3", "here", "ada") as ada:
        with discover("239.1.2.4", "there", "eve", AWAY) as eve:
            with discover("239.1.2.3", "there", "bob", AWAY) as bob:
                expect_heard(ada, "bob")
                expect_heard(bob, "ada")
                expect_end(ada, bob, eve)
    for program in (ada, bob, eve):
        expect(not [line for line in program.output if "heard eve" in line],
               f"{program.output}")


def an_interface_is_named_by_its_address_too():
    with discover("239.1.2.3", "10.1.0.1", "ada") as ada:
        with discover("239.1.2.3", "there", "bob", AWAY) as bob:
            expect_heard(ada, "bob")
            expect_heard(bob, "ada")
            expect_end(ada, bob)


def what_is_wrong_is_told():
    for arguments in ([], ["239.1.2.3", PORT, "here"],
                      ["group", PORT, "here", "ada"],
                      ["239.1.2.3", "0", "here", "ada"],
                      ["239.1.2.3", PORT, "here", ""],
                      ["239.1.2.3", PORT, "here", "a" * 32]):
        status, _, errors = run(DISCOVER, *arguments)
        expect_equal(status, 2, f"{arguments}")
        expect(errors.startswith("usage: discover "), errors)
    status, _, errors = run(DISCOVER, "239.1.2.3", PORT, "nowhere", "ada")
    expect_equal((status, errors), (1, "nowhere: No such device\n"),
                 "no interface")
    status, _, errors = run(DISCOVER, "10.1.0.1", PORT, "here", "ada")
    expect_equal((status, errors), (1, "join: Invalid argument\n"),
                 "no group")


def await_link_local(prefix, interface):
    """The link-local address comes a while after the link."""
    end = time.monotonic() + DEADLINE
    while b"fe80" not in expect_run(*prefix, "ip", "-6", "addr", "show", "dev",
                                    interface, "scope", "link", "-tentative"):
        expect(time.monotonic() < end, f"no link-local address {interface}")


def link_two(pid):
    """A veth pair between this namespace and that of a process."""
    lines = ("link add here type veth peer name there netns {pid}",
             "addr add 10.1.0.1/24 dev here", "link set here up")
    there = ("addr add 10.1.0.2/24 dev there", "link set there up",
             "link set lo up")
    for line in lines:
        status, _, errors = run("ip", *line.format(pid=pid).split())
        if status:
            print(f"1..0 # SKIP no veth devices here: {errors.strip()}")
            sys.exit(0)
    for line in there:
        expect_run(*AWAY, "ip", *line.split())
    await_link_local((), "here")
    await_link_local(AWAY, "there")


need("nsenter")
in_own_network()
# IPv6 addresses serve at once where nobody is asked for duplicates.
NO_DAD = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad && "
expect_run("sh", "-c", NO_DAD + "true")
with subprocess.Popen(["unshare", "-n", "sh", "-c",
                       NO_DAD + "echo ready && exec cat"],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE) as away:
    away.stdout.readline()
    AWAY = ("nsenter", f"--net=/proc/{away.pid}/ns/net")
    link_two(away.pid)
    main(programs_on_one_machine_find_each_other,
         programs_on_two_machines_find_each_other,
         those_of_another_group_are_not_heard,
         an_interface_is_named_by_its_address_too,
         what_is_wrong_is_told)
