"""Patterns for the questions that buyers ask in English, hurried and misspelt as they write it."""

from handlers.phrases_zh import CALLS, NO_MACHINE

_ORDER = (
    r"(?:orders?|packages?|parcels?|deliver(?:y|ies)|shipments?|items?|stuff|goods|purchase"
    r"|products?|things?)"
)
_MINE = r"(?:(?:my|the|our|this|that|your|a) )?(?:\w{1,12} )?"

_HELLO = r"(?:hello|hi|hey|so|um|and|please|\W)*"
_SOMEBODY = (
    r"(?:someone|somebody|anyone|anybody|one of (?:you|your team|the team)|(?:a|an|the"
    r"|your) (?:(?:real|live) )?"
    r"(?:person|human|colleague|manager|supervisor|boss|owner))"
)
_ANYBODY = r"(?:anyone|anybody|someone|somebody)"
_NOBODY = r"(?:nobody|no one|noone|no-one|anyone|anybody|not you|you not|you guys not|you)"
_ANSWERS = (
    r"(?:answer|reply|repli|respond|help|talk|writ|getting back|get back|there)\w{0,5}"
    r"(?: (?:to|back|me|us|my (?:messages?|questions?))){0,3}(?: (?:now|here|at all|today|yet))?"
)

ROWS: tuple[tuple[str, float, str, str], ...] = (
    # a person
    (
        "person",
        0.95,
        "asks for a human",
        r"\b(?:talk(?:ing)?|speak(?:ing)?|chat(?:ting)?|connect(?: me)?|transfer me"
        r"|transfer (?=to )|get me|put me|pass me|switch me|hand me|contact(?:ing)?|reach"
        r"|escalate)\b(?: (?:to|with|through|over|on|a|an|the|your|some|me|real|live|human"
        r"|actual)){0,4} (?:human|person|agents?|representatives?|rep|someone|somebody|anyone"
        r"|anybody|operator|staff|manager|owner|employee|advisor|assistant|supervisor|executive)\b",
    ),
    (
        "person",
        0.95,
        "asks for a human",
        r"\b(?:need|want|see|call|contact|reach|find|have|is there)\b.{0,16}\b(?:(?:real|live"
        r"|actual) (?:human|person|agent|people)|human (?:agent|being|support|please)|(?:a|an|the"
        r"|some|any) (?:human|person|agent|representative|operator)\b(?! (?:can|who|in )))",
    ),
    (
        "person",
        0.9,
        "asks for service staff",
        r"\b(?:customer|human|live|free|client|phone) (?:service|support|care|agent|person"
        r"|assistance|rep)\b.{0,3}(?:number|agent|please|now|$)|\b(?:contact|call|reach"
        r"|speak (?:to|with)|talk (?:to|with)) (?:the |your )?(?:customer|client|support|service"
        r"|sales)",
    ),
    (
        "person",
        0.95,
        "one word",
        r"^\W*(?:a |an )?(?:real |live )?(?:human|person|agent|operator|representative"
        r"|someone)(?: please)?\W*$",
    ),
    (
        "person",
        0.9,
        "asks to be answered by somebody",
        rf"\b(?:can|could|would|will|please|need|want|have|get|ask|let) (?:(?:i|you|me|to|please|have"
        rf"|get|ask) ){{0,4}}{_SOMEBODY}"
        r" (?:(?:please|else|from|in|your|the|shop|team|real|can|could|to|who) ){0,4}"
        r"(?:call|ring|phone|reply|answer|contact|help|write|get back|get in touch|respond|talk|speak"
        r"|message|take over)\b"
        r"|\b(?:call|ring|phone) me(?: back)?(?: please)?\W*$",
    ),
    (
        "person",
        0.97,
        CALLS,
        rf"^{_HELLO}(?:is )?(?:there )?{_ANYBODY}"
        r"(?: (?:(?:out |in )?there|here|around|home|at all|reading(?: this)?"
        r"|(?:going to )?answer(?:ing)?(?: me)?))?\W*$",
    ),
    (
        "person",
        0.97,
        CALLS,
        rf"^{_HELLO}(?:why|how come) (?:(?:is|does|has|do|are|have|will|did|you|not) ){{0,2}}{_NOBODY}"
        rf"(?: (?:is|ever|even|been|you|guys))* {_ANSWERS}\W*$"
        rf"|^{_HELLO}{_NOBODY}(?: (?:is|ever|has|will))* {_ANSWERS}\W*$",
    ),
    (
        "person",
        0.97,
        NO_MACHINE,
        r"^\W*(?:please |i |we |just )*(?:stop|no more|no|not|do not|without|turn off|enough of"
        r"|fed up with|sick of|tired of|hate)"
        r"(?: (?:want|like|need|to|talk|speak|chat|write|talking|speaking|chatting|with|this|that|the"
        r"|a|an|your|any|these|stupid)){0,6}"
        r" (?:chat ?)?(?:bots?|robots?|machines?|automated (?:replies|answers|messages))(?: (?:please"
        r"|replies|answers|messages|answering))?"
        r"(?:\W{1,3}(?:i )?(?:want |need |get me |give me )?(?:a |an )?(?:real |live "
        r"|actual )?(?:person|human|people|one)(?: please)?)?\W*$",
    ),
    # where is it
    (
        "where_is_order",
        0.9,
        "where is it",
        r"\bwhere(?: is| are| the hell is| did| has)? "
        + _MINE
        + _ORDER
        + r"\b(?! (?:number|guide|page|button|made|from))",
    ),
    (
        "where_is_order",
        0.8,
        "where is it",
        r"\bwhere(?: is|'s)? (?:it|they|my [a-z ]{2,20})(?: now| at| right now| please)?\W*$",
    ),
    (
        "where_is_order",
        0.8,
        "arrived, and nothing else",
        r"^(?:hi |hello |hey |so |please )?(?:was|is|has|did|have) (?:it|they|" + _MINE + _ORDER + r")"
        r" (?:already )?(?:been )?(?:here|there|arriv\w{0,3}|deliver(?:ed)?)"
        r"(?: (?:yet|already|today|now))?\W*$",
    ),
    (
        "where_is_order",
        0.85,
        "tracking",
        r"\btrack(?:ing)?\b.{0,20}\b"
        + _ORDER
        + r"\b|\btracking (?:number|info|information|id|code|link|status|details?|update)\b"
        r"|\b(?:package|parcel|order|shipment|delivery) tracking\b|\btrack (?:it|my)\b",
    ),
    (
        "where_is_order",
        0.85,
        "status",
        r"\b(?:orders?|purchase|delivery|shipping|shipment|package|parcel)(?: (?:number |no\.? ?"
        r"|# ?)?[\w-]{1,20}){0,2} (?:status|update|progress|eta)\b|\b(?:status|eta|whereabouts"
        r"|progress|update|updates|location|time of arrival)\b.{0,8}\b(?:of|on|for|about|to) "
        + _MINE
        + _ORDER
        + r"\b|\blocat(?:e|ing) "
        + _MINE
        + _ORDER
        + r"\b",
    ),
    (
        "where_is_order",
        0.85,
        "when does it arrive",
        r"\bwhen\b.{0,30}\b(?:arriv\w{0,5}|delivered|be here|get here|reach(?:es)? (?:me|us|here)"
        r"|show up|come|get it|get them|receive (?:it|them)|(?:get|receive|expect|have) (?:my|the"
        r"|our|this) (?:\w{1,12} )?"
        + _ORDER
        + r")\b|\bhow soon\b.{0,16}\b(?:expect|get|have) "
        + _MINE
        + _ORDER
        + r"\b",
    ),
    (
        "where_is_order",
        0.85,
        "when does it arrive",
        r"\bhow long\b.{0,30}\b(?:deliver(?:y|ed)?|arrive|get here|to reach|to get (?:to me|it"
        r"|my))\b|\b(?:expected|estimated) (?:delivery|arrival)\b|\bdelivery (?:date|time"
        r"|period)\b.{0,20}\b(?:my|order|when|\?)",
    ),
    (
        "where_is_order",
        0.85,
        "not arrived",
        r"\b(?:not|never)(?: been| yet| even| ever| still){0,2} (?:arrived?|come|shown up"
        r"|delivered|reached)\b(?! (?:in|at|to my email))|\b(?:not|never)(?: yet| even| ever"
        r"| still){0,2} (?:received?|got|gotten|get)(?: it| them| anything)?(?: yet| so far"
        r"| still)?\W*$|\b(?:not|never)(?: yet| even| ever| still){0,2} (?:received?|got|gotten"
        r"|get) " + _MINE + _ORDER + r"\b|\bstill (?:waiting|no)\b.{0,14}\b" + _ORDER,
    ),
    (
        "where_is_order",
        0.8,
        "has it arrived",
        r"\b(?:has|have|did|is|was|will|are)\b.{0,20}\b"
        + _ORDER
        + r"\b.{0,12}\b(?:arriv\w{0,4}|delivered|here|lost|late|delayed|on (?:its|the|it is) way"
        r"|come)\b",
    ),
    (
        "where_is_order",
        0.8,
        "late",
        r"\b(?:my|the) "
        + _ORDER
        + r" (?:is|are|was|has been|keeps? getting) (?:very |so |too )?(?:late|missing|lost|delayed"
        r"|not here)\b|\bwhy\b.{0,8}\b"
        + _ORDER
        + r"\b.{0,10}\b(?:so long|late|delayed?)\b|^\W*(?:order|delivery|parcel|package) delayed"
        r"|\bis it (?:on (?:its|the) way|coming|delivered)\b",
    ),
    # when do you ship
    (
        "when_ship",
        0.88,
        "when is it sent",
        r"\bwhen\b.{0,30}\b(?:ship(?:s|ped|ping)?|dispatch(?:ed)?|send|sent (?:out|off)|be sent"
        r"|post(?:ed)? (?:it|my)|mail (?:it|my))\b(?! (?:me )?(?:the |an? |my )?(?:money|payment"
        r"|invoice|e-?mail|link|code|refund|back))",
    ),
    (
        "when_ship",
        0.86,
        "sent yet",
        r"\b(?:has|have|did|is|was|are)\b.{0,25}\b(?:shipped|dispatched|sent (?:out|off|yet"
        r"|already)|been sent|ship (?:it|my|the)|posted yet)\b|\b(?:shipped|dispatched) (?:yet"
        r"|already)\b|\b(?:not|never)\b.{0,12}\b(?:shipped|dispatched|sent out|ship)\b",
    ),
    (
        "when_ship",
        0.84,
        "how long till sent",
        r"\bhow (?:long|soon|fast|quickly|many days)\b.{0,25}\b(?:ship|shipped|dispatch(?:ed)?"
        r"|send (?:it|my)|sent out)\b|\b(?:please )?ship (?:it|my (?:order|package|parcel"
        r"|stuff)) (?:asap|soon|now|today|already|out)",
    ),
    # has my payment come
    (
        "payment_status",
        0.9,
        "did it come",
        r"\b(?:did|have|has|do|are|were) (?:you|u|ya|the shop|they)(?: guys)?\b.{0,12}\b(?:get|got"
        r"|gotten|receive|received|see|seen|have|confirm(?:ed)?)\b.{0,14}\b(?:payments?|money"
        r"|transfer|deposit|cash)\b",
    ),
    (
        "payment_status",
        0.9,
        "did it come",
        r"\b(?:has|have|did|is|was|were)(?: my| the| our| this)?(?: bank| wire)? (?:payment|money"
        r"|transfer|deposit)\b(?! (?:method|option|back)).{0,20}\b(?:come|came|arrived?|received?"
        r"|go|gone|went|through|processed|clear(?:ed)?|confirmed|succe\w{0,8}|complete[d]?"
        r"|accepted|credited|landed)\b",
    ),
    (
        "payment_status",
        0.86,
        "status",
        r"\bpayment (?:status|confirmation|received\W*$|confirmed\W*$)|\bstatus of (?:my "
        r"|the )?(?:payment|transfer)\b|\bcheck (?:on |if )?(?:my |the )(?:payment"
        r"|transfer)\b(?! (?:method|option))|\bwhen\b.{0,20}\bpayment\b.{0,14}\b(?:confirmed"
        r"|arrive|processed|clear|go through|show)",
    ),
    (
        "payment_status",
        0.84,
        "have I paid",
        r"\b(?:have i|did i|is it|is my order|is the order) (?:already )?(?:paid?|payed)(?: yet"
        r"| already| now| for)?(?: it| this| my order)?\W*$",
    ),
    (
        "payment_status",
        0.8,
        "asks whether they have paid",
        r"\b(?:did|have|had)(?: not)? (?:i|we) (?:already |just )?(?:pay|paid|payed|transfer+(?:ed)?)\b"
        r"(?!.{0,20}\btwice)",
    ),
    # I have paid
    (
        "i_paid",
        0.84,
        "says it is paid",
        r"\b(?:i|we)(?: have| had)?(?: just| already| now| also| finally| actually){0,2} (?:paid"
        r"|payed|transfer+ed|wired|remitted|deposited|made (?:the |a |my |your |that )?(?:full "
        r"|bank )?(?:payment|transfer|deposit)|sent (?:you |over |out |the |my |u ){0,2}(?:money"
        r"|payment|transfer|funds|cash)|(?:completed|did|done) (?:the |my )?(?:payment|transfer))\b",
    ),
    (
        "i_paid",
        0.84,
        "says it is paid",
        r"\balready (?:paid|payed|transferred)\b"
        r"|\b(?:payment|transfer|money)(?: (?:for|of) (?:order |my order |no )?#?[\w-]{1,20})?"
        r"(?: has| have| was| is)?(?: been)?(?: just| already| now)? (?:made|sent|done|completed|transferred"
        r"|wired)\b|^\W*(?:just |all )?(?:paid|payed)(?: it| now| already| just now| today"
        r"| yesterday| in full| by [a-z ]{2,15})?\W*$",
    ),
    (
        "i_paid",
        0.84,
        "says that the money left",
        r"\b(?:the|my|our) (?:bank )?(?:payment|money|transfer|funds)(?: has| have)?(?: just| already| all)?"
        r" (?:(?:went|gone) out|left (?:my|our|the) (?:bank )?account)\b",
    ),
    (
        "i_paid",
        0.84,
        "insists that it is paid",
        r"\b(?:i|we) (?:really |definitely |certainly |honestly )?(?:did|have)(?: already| really| just"
        r"| definitely| indeed){0,2} (?:pay|transfer|send (?:you |the |my ){0,2}(?:money|payment))\b",
    ),
    (
        "i_paid",
        0.84,
        "says of an order that it is paid",
        r"(?:^|\border |\d[\w-]{0,12} )\W*(?:it |that (?:one )?)?(?:is|was|has been|got) "
        r"(?:already |all |fully )?paid"
        r"(?: for| in full| now| already| yesterday| today)?(?=[\s.!,;]*(?:$|[.!,;]))(?![^.;,!]*\?)",
    ),
    (
        "i_paid",
        0.84,
        "says it is paid, with the name on the account, as we ask for it",
        r"^\W*(?:(?:hi|hello|hey|ok|okay|yes)\W+)?(?:i have |just )?paid(?: it)?"
        r"(?:\W{1,3}(?!for |by |but |and )|,? (?:from|under|by|with) (?:the )?(?:account|name)\b)"
        r"(?!.*\b(?:parcel|order|item|arriv\w*|broke\w*|wrong|wait|ship|refund|cancel|still|never"
        r"|twice|not?\b))"
        r"[^?]{2,60}$",
    ),
)

_GOES_BACK = (
    r"\brebate|\bcompensat|\brefund|\breturn(?:ed|ing|s)?\b(?! to sender)|\bmoney back\b"
    r"|\bexchange\b|\bchargeback\b|\breimburs"
)
_PAPER = (
    r"\bpin\b|\breplacement\b|\bcard\b|\binvoice|\breceipt\b|\bbill\b|\bemail\b|\be-mail\b"
    r"|\bverification\b|\bpassword\b|\bcoupon\b"
)
_NOT_NOW = (
    r"\baddress\b|\bchange\b|\bcancel|\bfee\b|\bcosts?\b|\bhow much\b|\bcharges?\b"
    r"|\bif i (?:order|place|buy)|\border (?:now|today)\b|\b(?:says?|marked|shows?"
    r"|status is)\b.{0,12}\bdelivered|\bdelivered to (?:the )?(?:wrong|neighbo)|\b(?:money"
    r"|deducted|debited|placed)\b|\bship (?:to|from|internationally|worldwide|abroad)\b"
)
_NOT_PAID = (
    r"\bwhen (?:was|am|do|did) i\b|\b(?:not|never|no|can|could|how|what|should|if|twice|double"
    r"|extra|too much|failed|fail|declined|error|wrong|unable|where do|which|who|cannot|unpaid"
    r"|problem|issue|deducted|debited|charged)\b"
    # a condition, or what was only thought
    r"|\b(?:once|until|till|as soon as|before|unless|whether|in case|thought|assumed)(?: that)? (?:i|we)"
    r" (?:have |had )?(?:\w+ )?(?:paid|payed|transfer+ed|wired|sent|made|completed)\b"
    r"|^\W*(?:and |so |ok )?(?:when|after) (?:i|we) have (?:paid|payed|transfer+ed|sent|made)\b"
    r"|\b(?:tell|know|message|write|text|when|how (?:soon|long))\b.{0,30}"
    r"\b(?:when|after) (?:i|we) have paid\b"
    r"|^\W*(?:(?:i|we) )?(?:have )?paid ?\?|^\W*paid\W+no\b|\bpaid (?:you )?nothing\b"
    r"|^\W*(?:is|was|has|have) (?:the |my |our )?(?:payment|transfer|money)\b"
    r"|(?<!i )\bpaid (?:for (?:express|next|faster)"
    r"|too|more|twice|extra)"
)
_NO_HUMAN = (
    r"\bhuman (?:hair|rights|size|body|skin|use)|\bcleaning agent|\bper person\b|\bin person\b"
    r"|\bfor (?:one|a|1|two|2) person"
)

NOT_ABOUT: dict[str, str] = {
    "where_is_order": f"{_GOES_BACK}|{_PAPER}|{_NOT_NOW}",
    "when_ship": f"{_GOES_BACK}|{_PAPER}|{_NOT_NOW}",
    "payment_status": rf"{_GOES_BACK}|{_PAPER}|\bfail|\bdeclined|\bhow (?:do|can|to|much)\b",
    "i_paid": f"{_GOES_BACK}|{_PAPER}|{_NOT_PAID}",
    "person": _NO_HUMAN,
}
