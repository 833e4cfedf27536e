"""Testing: clusters, clocks and programs for tests of Pacewright, and of what is built on it. Needs no test framework.

    clusters    a CIB from a few words, and the same cluster later
    scheduled   clusters in which Pacemaker's own scheduler decides; an operation is carried out on them to its end
    clock       time that goes on when somebody waits
    programs    programs in the place of Pacemaker's and systemd's, and the whole command with them
    lab         what the nodes of a lab's cluster say

A restart of a clone, from the command's words to the final CIB, without a cluster (it asks `crm_simulate`):

    cluster = ScheduledCluster(started(clone("web-clone", primitive("web"))))
    outcome = operate(cluster, "restart", "web")
    assert outcome.restarted == ("n1", "n2", "n3")
    assert restarts(cluster.forecasts) == ["web n1", "web n2", "web n3"]
"""
