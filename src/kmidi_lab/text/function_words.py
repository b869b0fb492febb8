"""English words that only join others: they stand in any sentence, so that knowing them says nothing of what it is about."""

from __future__ import annotations

_WORDS = """
a an the this that these those some any each every all both half no not nor neither either none such same other another
i me my mine myself you your yours yourself he him his himself she her hers herself it its itself we us our ours ourselves
they them their theirs themselves who whom whose which what when where why how
am is are was were be been being have has had having do does did doing done will would shall should can could may might must
ought cannot cant dont doesnt didnt isnt wasnt wont im ive ill id youre theyre its hes shes
i'm i've i'll i'd you're you've you'll you'd he's he'll he'd she's she'll she'd it's it'll we're we've we'll we'd they're
they've they'll that's there's here's what's who's let's isn't aren't wasn't weren't don't doesn't didn't won't wouldn't
shouldn't can't couldn't haven't hasn't hadn't
of in on at by to from for with without into onto out up down over under about after before during through between against
among across behind beyond near off upon until till since towards toward than as like
and or but if then so because while though although unless whether yet also too very just only even ever never again
there here now
"""
FUNCTION_WORDS = frozenset(_WORDS.split())
