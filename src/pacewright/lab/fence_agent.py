#!/usr/bin/python3 -I
"""The fence agent of the lab's nodes (`/usr/sbin/fence_pacewright_lab`): asks the lab's power switch over a socket.

It follows the FenceAgentAPI of ClusterLabs: options arrive as `name=value` lines on standard input, or as long
options; it exits with 0 for done and for "on", 2 for "off", 1 for an error. The standard library alone, and copied
into the nodes as one file.
"""

import json
import socket
import sys

SOCKET = "/run/pacewright-lab/socket"
OFF = 2
TIMEOUT = 60.0

METADATA = """\
<?xml version="1.0"?>
<resource-agent name="fence_pacewright_lab" shortdesc="Power switch of a Pacewright lab">
  <longdesc>Switches the power of a lab's nodes, through a socket that the lab binds into each of them.</longdesc>
  <vendor-url>https://clusterlabs.org/</vendor-url>
  <parameters>
    <parameter name="action" unique="0" required="0">
      <getopt mixed="--action=[action]"/>
      <content type="string" default="reboot"/>
      <shortdesc lang="en">Fencing action</shortdesc>
    </parameter>
    <parameter name="port" unique="0" required="0">
      <getopt mixed="--port=[name]"/>
      <content type="string"/>
      <shortdesc lang="en">The node to act on</shortdesc>
    </parameter>
  </parameters>
  <actions>
    <action name="on" automatic="0"/>
    <action name="off"/>
    <action name="reboot"/>
    <action name="status"/>
    <action name="list"/>
    <action name="monitor"/>
    <action name="metadata"/>
    <action name="validate-all"/>
  </actions>
</resource-agent>
"""


def options(arguments: list[str], lines: list[str]) -> dict[str, str]:
    """Options from the command line (`--action=off`, `-o off`), and from standard input where it has none."""
    words = {"-o": "action", "-n": "port"}
    found: dict[str, str] = {}
    pending = ""
    for argument in arguments:
        if pending:
            found[pending] = argument
            pending = ""
        elif argument.startswith("--") and "=" in argument:
            name, _, value = argument[2:].partition("=")
            found[name] = value
        else:
            pending = words.get(argument, "")
    for line in lines:
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            found.setdefault(name, value)
    return found


def ask(action: str, node: str) -> dict[str, object]:
    """One request to the power switch, and its answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(TIMEOUT)
        line.connect(SOCKET)
        line.sendall(json.dumps({"action": action, "node": node}).encode() + b"\n")
        with line.makefile() as answer:
            reply: dict[str, object] = json.loads(answer.readline())
            return reply


def main() -> int:
    """Do what the fencer asks."""
    lines = [] if sys.stdin is None or sys.stdin.isatty() else sys.stdin.readlines()
    given = options(sys.argv[1:], lines)
    action = given.get("action") or given.get("option") or "reboot"
    if action in {"metadata", "meta-data"}:
        sys.stdout.write(METADATA)
        return 0
    if action == "validate-all":
        return 0
    node = given.get("port") or given.get("plug") or given.get("nodename") or ""
    try:
        reply = ask(action, node)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"fence_pacewright_lab: the lab's power switch does not answer: {error}\n")
        return 1
    if "error" in reply:
        sys.stderr.write(f"fence_pacewright_lab: {reply['error']}\n")
        return 1
    if action == "list":
        sys.stdout.write("".join(f"{name},\n" for name in str(reply.get("nodes", "")).split()))
    if action == "status":
        return 0 if reply.get("power") == "on" else OFF
    return 0


if __name__ == "__main__":
    sys.exit(main())
