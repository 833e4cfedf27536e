"""A real Pacemaker cluster on this machine, for tests, demonstrations and anyone who wants one."""
