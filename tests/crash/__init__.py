"""Is anything lost, or filed twice, when the gateway is killed?

A real gateway process, with its HTTP service, its workers and AS2 over loopback, files a small trip with a simulated
CBP that keeps its books on disk and is never killed. At one of its boundaries (:mod:`tests.crash.boundaries`) the
gateway ends itself with SIGKILL; it is started again, and the day goes on as people drive it (:mod:`tests.crash.day`).
What the dead process left and how the day ends are compared with CBP's books by the auditor of the simulation
(:mod:`tests.crash.books`), and the end with that of a day without a death. Each number up to the count of an
undisturbed day is died at (:mod:`tests.crash.visits`), on SQLite and on PostgreSQL.

Gateways with a deliberate fault (:mod:`tests.crash.faults`) show that the tests would notice. Processes are forked
from a loaded parent (:mod:`tests.crash.zygote`), which makes a start cost a twentieth of a second.
"""
