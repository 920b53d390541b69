"""Every rule that the supervision tree keeps, under the id by which tests name it.

S starting, A administration of children, R restart types, T trees and strategies, I restart budgets, X shutdown,
D dynamic supervisors, G servers, O the product. A number that is missing was never given.
"""

from __future__ import annotations

from typing import Final

STARTING: Final = {
    "S01": "a supervisor without children starts, ends with `shutdown` and leaves no thread",
    "S02": "children start in the order of the list, one after another",
    "S03": "a supervisor has started once each of its children answers",
    "S04": "a supervisor whose own `init` fails does not start, and leaves no name and no thread",
    "S05": "a permanent child that ignores its start is kept as one that does not run",
    "S06": "a temporary child that ignores its start is forgotten",
    "S07": "a spec of id and start alone means permanent, worker, 5 s; a supervisor has no limit to its end",
    "S08": "a spec with a wrong value is refused by field and value before any `init` has run",
    "S09": "a spec with an unknown field is refused",
    "S10": "two specs of one id are refused before any `init` has run",
    "S11": "an unknown strategy or an impossible restart budget is refused",
    "S12": "an `init` that takes too long fails the start in time, and never shows itself later",
    "S13": "a second server of a name is refused, and told who holds it",
    "S14": "a supervisor written as a class and one made from a list behave alike",
}

ADMINISTRATION: Final = {
    "A01": "starting a child that runs is refused as already started",
    "A02": "starting a child that was ended and kept is refused as already present",
    "A03": "a child that was ended on request keeps its spec and stays down",
    "A04": "ending a child twice is fine; an unknown id is not found, whatever is asked of it",
    "A05": "a child is deleted once it is down, not while it runs",
    "A06": "a child that is down starts again on request, fresh and with the same arguments",
    "A07": "a temporary child that is ended is forgotten",
    "A08": "a new child that does not start is forgotten, with its reason as the answer",
    "A09": "a known child that does not start again stays known, with its reason as the answer",
    "A10": "asking a supervisor that is gone fails at once",
    "A11": "the counts tell specs, running, supervisors and workers, whether these run or not",
    "A12": "the arguments of temporary children are not kept",
}

RESTART_TYPES: Final = {
    "R01": "a permanent child that ends normally is restarted",
    "R02": "a permanent child that ends with `shutdown` is restarted",
    "R03": "a permanent child that ends with `shutdown` and a note is restarted",
    "R04": "a permanent child that crashes is restarted",
    "R05": "a transient child that ends normally stays down and is kept",
    "R06": "a transient child that ends with `shutdown` stays down and is kept",
    "R07": "a transient child that ends with `shutdown` and a note stays down and is kept",
    "R08": "a transient child that crashes is restarted",
    "R09": "a temporary child that ends normally is forgotten, and its id is free",
    "R10": "a temporary child that ends with `shutdown` is forgotten, and its id is free",
    "R11": "a temporary child that crashes is forgotten, and its id is free",
    "R12": "a restarted child begins with the state of its `init`",
}

TREES: Final = {
    "T01": "one_for_one, one_for_all and rest_for_one replace one child, all, or it and those behind it",
    "T02": "a restarted supervisor has its static children again, and not those that were added",
    "T03": "a crash changes nothing above or beside the supervisor that mends it",
    "T04": "a killed supervisor takes all below it along, and its parent starts the subtree anew",
}

BUDGETS: Final = {
    "I01": "one restart more than the budget ends the supervisor and its children with `shutdown`",
    "I03": "each supervisor has a budget of its own, which is full again after its restart",
    "I04": "budgets multiply along a path, and the log says at which level one was spent",
    "I05": "clean ends that are not mended and restarts on request cost nothing",
    "I06": "when the root gives up the process ends with 70 and says why; it does not linger",
}

SHUTDOWN: Final = {
    "X01": "children end in reverse order, each told `shutdown`",
    "X02": "without a limit the supervisor waits for as long as a child cleans up",
    "X03": "a child that is ended by force does not clean up, and its reason is `killed`",
    "X04": "each child ends by its own rule",
    "X05": "a child that ends otherwise than it was told to is reported, and the stop goes on",
    "X06": "a child that dies by itself during the stop is not restarted",
    "X07": "a cleaning up that fails is the reason of the end, and its siblings still end",
    "X08": "stopping a server that is gone fails at once",
}

DYNAMIC: Final = {
    "D01": "no more children start than are allowed",
    "D02": "a child is ended by its ref, once; that of somebody else is not found and lives on",
    "D03": "a child that does not start is an error for who asked, not for the supervisor",
    "D04": "a restarted child that now ignores its start is forgotten",
    "D05": "three hundred children start and stop in time that grows with their number",
    "D06": "starts from several threads and crashes at the same time leave the counts exact",
}

SERVERS: Final = {
    "G01": "a call that takes too long times out; server and next call are as if it had not been",
    "G02": "a server that calls itself is told so at once",
    "G03": "a call to nobody fails at once",
    "G04": "an error given as a reply reaches the caller, and the server keeps its state",
    "G05": "a cast to nobody is no error",
    "G06": "a reply may come later, and other messages are handled meanwhile",
    "G07": "an unexpected message is reported by its type alone, and the server lives",
    "G08": "an unknown call ends the server, and the caller is told",
    "G09": "`terminate` is told the reason, and runs once",
    "G10": "a server that ignores its start is not there, and does not clean up",
    "G13": "a monitor tells of an end once, with its reason",
    "G14": "a monitor that was taken back tells nothing",
    "G15": "the name is free before anybody is told of the end",
    "G17": "operators are answered ahead of a long queue",
    "G18": "a full inbox refuses senders, and still hears its operators",
    "G19": "a ring of servers that call each other is refused, not waited for",
    "G20": "a trace shows so many events and switches itself off",
}

PRODUCT: Final = {
    "O01": "a job that ignores its cancel is abandoned: its slot is free, it is tried again, a late result is dropped",
    "O02": "abandoned threads are counted; too many of them are told, and end in a request to be restarted",
    "O03": "an executor that crashes under a job is restarted, and that attempt ends once and is tried again",
    "O04": "with all executors stuck and the database frozen, the status is still answered",
    "O05": "the tree is shown while every server is stuck",
    "O06": "starting and stopping inside a host leaves the host's actors alone, and nothing of ours behind",
    "O07": "a host that stops all its actors does not reach ours, and none of its own comes back",
    "O08": "the first signal lets running jobs finish, starts no other, and ends with 0",
    "O09": "a job that hangs at a stop is abandoned and given back within the limit; a second signal ends at once",
    "O10": "a rate limiter that died comes back with what was spent, and who waited asks again",
    "O11": "who dies while waiting for a permit leaves no place behind",
    "O12": "whatever job code prints or raises is at most a failed attempt",
}

RULES: Final[dict[str, str]] = {
    **STARTING,
    **ADMINISTRATION,
    **RESTART_TYPES,
    **TREES,
    **BUDGETS,
    **SHUTDOWN,
    **DYNAMIC,
    **SERVERS,
    **PRODUCT,
}
