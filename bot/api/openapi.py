"""The JSON API as a table, and its description in OpenAPI 3.1 made from that table."""

from functools import cache
from typing import Any

import msgspec

from bot.api.forms import (
    LONGEST_NAME,
    BuyerForm,
    Buyers,
    BuyersQuery,
    BuyerTierForm,
    CampaignCodes,
    CampaignList,
    CampaignStart,
    CampaignWhy,
    Cases,
    CasesQuery,
    DetailText,
    ErasureForm,
    Events,
    EventsQuery,
    Explanation,
    ExportForm,
    Form,
    JoinText,
    Messages,
    MessagesQuery,
    NoQuery,
    Noted,
    NoteText,
    OrderForm,
    Promises,
    Retried,
    SegmentPreview,
    SegmentQuery,
    Segments,
    SegmentWhy,
    SettledForm,
    Settlement,
    Statement,
    StatementForm,
    TagText,
    TierGift,
    Tiers,
    TimeLine,
    TimeLineQuery,
    Trouble,
)
from bot.seller.campaigning import Look, Result, Standing
from storage.buyer_file import BuyerFile

ROOT = "/api/v1/shops/{shop}/"


class Lead(msgspec.Struct, frozen=True):
    """Where a good answer leads: what may be asked next, and where in the answer its parameter stands."""

    to: str
    parameter: str
    found_at: str  # as JSON pointer


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked. `refuses`: answers other than the good one, beside 400, 401 and 503."""

    name: str
    method: str
    path: str
    says: str
    answer: type
    query: type[Form] = NoQuery
    body: type[Form] | None = None
    refuses: tuple[int, ...] = ()
    leads: tuple[Lead, ...] = ()


OPERATIONS = (
    Operation(
        name="messages",
        method="GET",
        path="messages",
        says="Messages decided on, newest first; the next page is asked for with `after` = `next`.",
        answer=Messages,
        query=MessagesQuery,
        leads=(
            Lead("explanation", "message", "/messages/0/name"),
            Lead("order", "order", "/messages/0/order"),
            Lead("buyer", "buyer", "/messages/0/buyer"),
            Lead("messages", "after", "/next"),
        ),
    ),
    Operation(
        name="explanation",
        method="GET",
        path="messages/{message}/explanation",
        says="Why a message was sent, or was not. `message`: its id, its name or its key.",
        answer=Explanation,
        refuses=(404,),
        leads=(
            Lead("order", "order", "/message/order"),
            Lead("buyer", "buyer", "/message/buyer"),
        ),
    ),
    Operation(
        name="order",
        method="GET",
        path="orders/{order}",
        says="An order by its id or number, with the messages about it.",
        answer=OrderForm,
        refuses=(404,),
        leads=(
            Lead("explanation", "message", "/messages/0/name"),
            Lead("buyer", "buyer", "/buyer"),
            Lead("settle", "case", "/cases/0/number"),
        ),
    ),
    Operation(
        name="buyer",
        method="GET",
        path="buyers/{buyer}",
        says="A buyer by our id, one of their addresses, or `channel:address`.",
        answer=BuyerForm,
        refuses=(404,),
        leads=(Lead("order", "order", "/orders/0/id"),),
    ),
    Operation(
        name="buyers",
        method="GET",
        path="buyers",
        says="Buyers by words, in the order of their ids; the next page is asked for with `behind` = `next`.",
        answer=Buyers,
        query=BuyersQuery,
        leads=tuple(
            Lead(name, "buyer", "/buyers/0/id")
            for name in ("file", "time_line", "note", "tag", "export", "buyer_tier", "erase")
        ),
    ),
    Operation(
        name="file",
        method="GET",
        path="buyers/{buyer}/file",
        says="What is known of a buyer: figures, notes, tags, consent. `buyer`: our id.",
        answer=BuyerFile,
        refuses=(404,),
    ),
    Operation(
        name="time_line",
        method="GET",
        path="buyers/{buyer}/time_line",
        says="What was said, bought, asked and decided, the newest first. `buyer`: our id.",
        answer=TimeLine,
        query=TimeLineQuery,
        refuses=(404,),
    ),
    Operation(
        name="note",
        method="POST",
        path="buyers/{buyer}/notes",
        says="Write a note about a buyer. `buyer`: our id.",
        answer=Noted,
        body=NoteText,
        refuses=(404, 413, 415, 422),
    ),
    Operation(
        name="tag",
        method="POST",
        path="buyers/{buyer}/tags",
        says="Tag a buyer, or take a tag off. `buyer`: our id.",
        answer=Noted,
        body=TagText,
        refuses=(404, 413, 415, 422),
    ),
    Operation(
        name="detail",
        method="POST",
        path="buyers/{buyer}/details",
        says="Note a detail of a buyer; null takes it back. profiling: off ends promotions by figures.",
        answer=Noted,
        body=DetailText,
        refuses=(404, 413, 415, 422),
    ),
    Operation(
        name="join",
        method="POST",
        path="buyers/{buyer}/joins",
        says="Read two files as one person's, or apart again; each keeps its addresses. `buyer`: our id.",
        answer=Noted,
        body=JoinText,
        refuses=(404, 409, 413, 415, 422),
    ),
    Operation(
        name="export",
        method="GET",
        path="buyers/{buyer}/export",
        says="All that is stored about a buyer, to hand over. `buyer`: our id. It stands in the trail.",
        answer=ExportForm,
        refuses=(404,),
    ),
    Operation(
        name="erase",
        method="POST",
        path="buyers/{buyer}/erasure",
        says="Erase a buyer for good. `buyer`: our id. It has begun when this is answered; ask for its end.",
        answer=ErasureForm,
        refuses=(404,),
        leads=(Lead("erasure", "erasure", "/id"),),
    ),
    Operation(
        name="erasure",
        method="GET",
        path="erasures/{erasure}",
        says="How far an erasure is, and its receipt.",
        answer=ErasureForm,
        refuses=(404,),
    ),
    Operation(
        name="events",
        method="GET",
        path="events",
        says="Events that failed or wait, and deliveries that were not understood, newest first.",
        answer=Events,
        query=EventsQuery,
        leads=(
            Lead("retry", "event", "/events/0/id"),
            Lead("events", "after", "/next"),
        ),
    ),
    Operation(
        name="retry",
        method="POST",
        path="events/{event}/retry",
        says="Give an event that was put aside another try.",
        answer=Retried,
        refuses=(404, 409),
    ),
    Operation(
        name="cases",
        method="GET",
        path="cases",
        says="What waits for the seller, newest first.",
        answer=Cases,
        query=CasesQuery,
        leads=(
            Lead("settle", "case", "/cases/0/number"),
            Lead("order", "order", "/cases/0/order"),
            Lead("buyer", "buyer", "/cases/0/buyer"),
            Lead("cases", "after", "/next"),
        ),
    ),
    Operation(
        name="settle",
        method="POST",
        path="cases/{case}/settle",
        says="Close a case. A confirmed claim of payment counts as a payment.",
        answer=SettledForm,
        body=Settlement,
        refuses=(404, 409, 413, 415, 422),
    ),
    Operation(
        name="statement",
        method="POST",
        path="statements",
        says="Match a bank statement with the orders that wait for money.",
        answer=StatementForm,
        body=Statement,
        refuses=(413, 415, 422),
        leads=(
            Lead("settle", "case", "/doubts/0/case"),
            Lead("order", "order", "/doubts/0/candidates/0/order"),
        ),
    ),
    Operation(
        name="segments",
        method="GET",
        path="segments",
        says="The segments of the settings, with how many buyers are in each.",
        answer=Segments,
        leads=(Lead("segment", "segment", "/segments/0/name"),),
    ),
    Operation(
        name="segment",
        method="GET",
        path="segments/{segment}",
        says="How many buyers are in a segment, and twenty of them, each with the conditions that decide.",
        answer=SegmentPreview,
        refuses=(404,),
        leads=(Lead("buyer", "buyer", "/examples/0/buyer"),),
    ),
    Operation(
        name="try_segment",
        method="GET",
        path="try-segment",
        says="The same for a condition that stands in no settings.",
        answer=SegmentPreview,
        query=SegmentQuery,
        refuses=(409,),
        leads=(Lead("buyer", "buyer", "/examples/0/buyer"),),
    ),
    Operation(
        name="segment_why",
        method="GET",
        path="segments/{segment}/buyers/{buyer}",
        says="Whether a buyer is in a segment, and by which conditions that is decided.",
        answer=SegmentWhy,
        refuses=(404,),
        leads=(Lead("buyer", "buyer", "/buyer"),),
    ),
    Operation(
        name="promises",
        method="GET",
        path="promises",
        says="How the promises of the settings are kept, what is due soon, and what was missed.",
        answer=Promises,
    ),
    Operation(
        name="tiers",
        method="GET",
        path="tiers",
        says="How many buyers are in each tier, and whom the seller gave one.",
        answer=Tiers,
        leads=(Lead("buyer_tier", "buyer", "/given/0/buyer"),),
    ),
    Operation(
        name="buyer_tier",
        method="GET",
        path="buyers/{buyer}/tier",
        says="The tier of a buyer, and every earlier one with its dates and reasons.",
        answer=BuyerTierForm,
        refuses=(404,),
        leads=(Lead("buyer", "buyer", "/buyer"),),
    ),
    Operation(
        name="give_tier",
        method="POST",
        path="buyers/{buyer}/tier/give",
        says="Give a buyer a tier, or none, whatever they bought.",
        answer=BuyerTierForm,
        body=TierGift,
        refuses=(404, 409, 413, 415, 422),
    ),
    Operation(
        name="end_tier",
        method="POST",
        path="buyers/{buyer}/tier/end",
        says="Take back a tier that was given; what they bought decides again.",
        answer=BuyerTierForm,
        refuses=(404, 409),
    ),
    Operation(
        name="campaigns",
        method="GET",
        path="campaigns",
        says="The campaigns of the settings, and how far each is.",
        answer=CampaignList,
        leads=tuple(
            Lead(name, "campaign", "/campaigns/0/name")
            for name in ("campaign", "campaign_look", "campaign_result", "approve_campaign", "stop_campaign")
        ),
    ),
    Operation(
        name="campaign",
        method="GET",
        path="campaigns/{campaign}",
        says="How far a campaign is.",
        answer=Standing,
        refuses=(404,),
        leads=(Lead("resume_campaign", "campaign", "/name"),),
    ),
    Operation(
        name="campaign_look",
        method="GET",
        path="campaigns/{campaign}/look",
        says="Whom a campaign would reach if it began now, and with which words. It may take minutes.",
        answer=Look,
        refuses=(404,),
        leads=(Lead("start_campaign", "campaign", "/name"),),
    ),
    Operation(
        name="start_campaign",
        method="POST",
        path="campaigns/{campaign}/start",
        says="Start a campaign that was looked at. With testers or an approval it waits for an approval.",
        answer=Standing,
        body=CampaignStart,
        refuses=(404, 409, 413, 415, 422),
    ),
    *(
        Operation(
            name=f"{verb}_campaign",
            method="POST",
            path=f"campaigns/{{campaign}}/{verb}",
            says=says,
            answer=Standing,
            refuses=(404, 409),
        )
        for verb, says in (
            ("approve", "Let a campaign begin that waits; where it is asked for, by another person's token."),
            ("stop", "Stop a campaign at once; what is decided and not said waits."),
            ("resume", "Let a stopped campaign go on; nobody hears of it twice."),
        )
    ),
    Operation(
        name="campaign_result",
        method="GET",
        path="campaigns/{campaign}/result",
        says="What those who were told bought, against those held out.",
        answer=Result,
        refuses=(404,),
    ),
    Operation(
        name="campaign_why",
        method="GET",
        path="campaigns/{campaign}/buyers/{buyer}",
        says="Why a buyer is told of a campaign, or is not.",
        answer=CampaignWhy,
        refuses=(404,),
        leads=(Lead("buyer", "buyer", "/buyer"),),
    ),
    Operation(
        name="add_codes",
        method="POST",
        path="campaigns/{campaign}/codes",
        says="Add codes, of which each buyer gets one of their own; those that are there stay.",
        answer=Standing,
        body=CampaignCodes,
        refuses=(404, 409, 413, 415, 422),
    ),
)

REFUSALS = {
    400: "The query is wrong; the message names the place and the mend.",
    401: "No token, or not this shop's.",
    404: "There is no such thing.",
    409: "It is not in a state to do that.",
    413: "The body is too long.",
    415: "The body is not JSON.",
    422: "The body is wrong; the message names the place.",
    503: "The database does not answer; come again.",
}


@cache
def document() -> bytes:
    """/api/v1/openapi.json"""
    types = [
        *(operation.answer for operation in OPERATIONS),
        *(operation.query for operation in OPERATIONS),
        *(operation.body for operation in OPERATIONS if operation.body),
        Trouble,
    ]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _described(operation, schemas)
        paths.setdefault(ROOT + operation.path, {})[operation.method.lower()] = described
    queries = {operation.query.__name__ for operation in OPERATIONS}
    shown = {name: schema for name, schema in schemas.items() if name not in queries}
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Xiaoer",
                "version": "1",
                "description": "What the bot of a shop said to its buyers, what it did not say, and why. "
                "Moments are RFC 3339 in UTC.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "security": [{"token": []}],
            "paths": paths,
            "components": {
                "schemas": shown,
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "one of the shop's api_tokens in the settings",
                    }
                },
            },
        }
    )


def _described(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.says,
        "parameters": [*_in_path(operation.path), *_in_query(schemas[operation.query.__name__])],
        "responses": _responses(operation),
    }
    if operation.body:
        described["requestBody"] = {"required": True, "content": _json(operation.body)}
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Good.", "content": _json(operation.answer)}
    if operation.leads:
        good["links"] = {lead.to: _link(lead) for lead in operation.leads}
    responses: dict[str, Any] = {"200": good}
    for status in sorted({400, 401, 503, *operation.refuses}):
        responses[str(status)] = {"description": REFUSALS[status], "content": _json(Trouble)}
    responses["401"]["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    return responses


def _link(lead: Lead) -> dict[str, Any]:
    parameters = {"shop": "$request.path.shop", lead.parameter: f"$response.body#{lead.found_at}"}
    return {"operationId": lead.to, "parameters": parameters}


def _in_path(path: str) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in (ROOT + path).split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": _of_path(name)} for name in names]


def _of_path(name: str) -> dict[str, Any]:
    if name in ("event", "case"):
        return {"type": "integer", "minimum": 1}
    return {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}


def _in_query(form: dict[str, Any]) -> list[dict[str, Any]]:
    parameters = []
    for name, schema in form["properties"].items():
        given = _without_null(schema)
        says = {"description": given.pop("description")} if "description" in given else {}
        parameters.append({"name": name, "in": "query", "required": False, "schema": given, **says})
    return parameters


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query leaves out what it does not ask for: it has no null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if not choices:
        return dict(schema)
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**choices[0], **rest}


def _json(form: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{form.__name__}"}}}
