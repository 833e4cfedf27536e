"""The campaign: random work and random faults on a real cluster, judged from outside: docs/reliability.md."""
