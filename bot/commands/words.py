"""What the commands say to the seller, in her language."""

from bot.settings.mistakes import LANGUAGES

WORDS: dict[str, tuple[str, str, str]] = {
    # heads of columns
    "id": ("id", "编号", "編號"),
    "due": ("due", "时间", "時間"),
    "message": ("message", "消息", "訊息"),
    "order": ("order", "订单", "訂單"),
    "outcome": ("what became of it", "结果", "結果"),
    "arrived": ("arrived", "收到时间", "收到時間"),
    "channel": ("channel", "渠道", "管道"),
    "event": ("event", "事件", "事件"),
    "why": ("why", "原因", "原因"),
    "opened": ("opened", "提出时间", "提出時間"),
    "case": ("case", "待办", "待辦"),
    "buyer": ("buyer", "买家", "買家"),
    # outbox
    "nothing_waits": (
        "Nothing waits to be sent. --all shows what was sent, too.",
        "没有待发送的消息。加 --all 可以看到已发送的。",
        "沒有待傳送的訊息。加 --all 可以看到已傳送的。",
    ),
    "nobody_known": (
        "Order {order} came without an id, a mail address or a phone of its buyer: there is nobody to tell.",
        "订单 {order} 没有带买家的编号、邮箱或电话，不知道该发给谁。",
        "訂單 {order} 沒有附上買家的編號、信箱或電話，不知道該傳給誰。",
    ),
    "no_messages": ("There is no such message.", "没有这样的消息。", "沒有這樣的訊息。"),
    "no_such_message": (
        "there is no message {name}; `xiaoer outbox --all` shows their ids",
        "没有消息 {name}；用 `xiaoer outbox --all` 查看编号",
        "沒有訊息 {name}；用 `xiaoer outbox --all` 查看編號",
    ),
    "in_archive": (
        "What is older than {until} may lie in the archive.",
        "{until} 之前的内容可能已经归档。",
        "{until} 之前的內容可能已經封存。",
    ),
    "more_messages": (
        "These are the newest {limit}; --limit shows more.",
        "这里是最新的 {limit} 条；用 --limit 查看更多。",
        "這裡是最新的 {limit} 則；用 --limit 查看更多。",
    ),
    # events
    "no_parked": (
        "No event was put aside, and every delivery could be read.",
        "没有搁置的事件，所有推送都能读懂。",
        "沒有擱置的事件，所有推送都能讀懂。",
    ),
    "parked": (
        "Put aside, since our program failed on them; their facts count all the same:",
        "程序处理失败而搁置的事件（其中的事实已经记录）：",
        "程式處理失敗而擱置的事件（其中的事實已經記錄）：",
    ),
    "unreadable": (
        "Genuine deliveries that could not be read; they are kept whole:",
        "无法读懂的推送（已完整保存）：",
        "無法讀懂的推送（已完整保存）：",
    ),
    "retried": (
        "Events tried again: {events}. Deliveries read: {read}, still not readable: {unread}.",
        "重新处理 {events} 个事件，读懂 {read} 个推送，仍有 {unread} 个读不懂。",
        "重新處理 {events} 個事件，讀懂 {read} 個推送，仍有 {unread} 個讀不懂。",
    ),
    "no_such_event": (
        "nothing with the id {id} was put aside or waits to be read",
        "没有编号为 {id} 的搁置事件或待读推送",
        "沒有編號為 {id} 的擱置事件或待讀推送",
    ),
    # cases
    "no_cases": ("Nothing waits for you.", "没有等您处理的待办。", "沒有等您處理的待辦。"),
    "settled": ("settled", "已处理", "已處理"),
    "case_done": ("Case {number} is settled.", "待办 {number} 已处理。", "待辦 {number} 已處理。"),
    "case_next": (
        "When one is done: xiaoer cases settle ID; with --confirmed if the claimed payment has arrived.",
        "处理完一件：xiaoer cases settle 编号；买家说已付款且款已到账的，加 --confirmed。",
        "處理完一件：xiaoer cases settle 編號；買家表示已付款且款項已入帳的，加 --confirmed。",
    ),
    "case_unknown": ("there is no case {number}", "没有待办 {number}", "沒有待辦 {number}"),
    "case_closed": (
        "case {number} was settled before",
        "待办 {number} 之前已经处理",
        "待辦 {number} 之前已經處理",
    ),
    "case_no_claim": (
        "case {number} is no claim of a payment; settle it without --confirmed",
        "待办 {number} 不是买家说已付款；请去掉 --confirmed",
        "待辦 {number} 不是買家表示已付款；請去掉 --confirmed",
    ),
    # import
    "line": ("line {line}", "第 {line} 行", "第 {line} 行"),
    "looked_at": ("Reading {file}", "正在读取 {file}", "正在讀取 {file}"),
    "taken_in": ("Taking it in", "正在导入", "正在匯入"),
    "bad_nothing": (
        "Mistakes: {bad}. Nothing was imported; mend them, or leave those lines out with --skip-bad.",
        "有 {bad} 处错误，没有导入任何内容。请改正，或用 --skip-bad 跳过这些行。",
        "有 {bad} 處錯誤，沒有匯入任何內容。請改正，或用 --skip-bad 跳過這些行。",
    ),
    "bad_left_out": (
        "Lines left out: {lines}.",
        "跳过了 {lines} 行。",
        "跳過了 {lines} 行。",
    ),
    "good_buyers": (
        "Nothing wrong with it. Buyers: {entries}.",
        "没有问题，共 {entries} 位买家。",
        "沒有問題，共 {entries} 位買家。",
    ),
    "good_orders": (
        "Nothing wrong with it. Orders: {entries}.",
        "没有问题，共 {entries} 个订单。",
        "沒有問題，共 {entries} 筆訂單。",
    ),
    "imported_buyers": (
        "Buyers imported: {entries}.",
        "已导入 {entries} 位买家。",
        "已匯入 {entries} 位買家。",
    ),
    "imported_orders": (
        "Orders imported: {entries}.",
        "已导入 {entries} 个订单。",
        "已匯入 {entries} 筆訂單。",
    ),
    "nothing_new": (
        "Nothing new: all of it had been imported before.",
        "没有新内容：之前都已导入。",
        "沒有新內容：之前都已匯入。",
    ),
    "new_facts": (
        "New facts: {new} of {events}. A running `xiaoer serve` takes them up now, else the next one.",
        "{events} 条事实中有 {new} 条是新的；正在运行的 `xiaoer serve` 会立即处理，否则下次启动时处理。",
        "{events} 條事實中有 {new} 條是新的；執行中的 `xiaoer serve` 會立即處理，否則下次啟動時處理。",
    ),
    "recent": (
        "Orders with news in the last {days} days: {recent}. Their buyers may still hear of them, as if"
        " they had come by themselves; about older orders nothing is said.",
        "最近 {days} 天内有进展的订单：{recent} 个，买家仍会像平常一样收到消息；更早的订单不会发送任何消息。",
        "最近 {days} 天內有進展的訂單：{recent} 筆，買家仍會像平常一樣收到訊息；更早的訂單不會傳送任何訊息。",
    ),
    # archive
    "no_retention": (
        "set retention in the settings first; without it everything stays in the database",
        "请先在设置中写 retention；不设置就全部留在数据库里",
        "請先在設定中寫 retention；不設定就全部留在資料庫裡",
    ),
    "archiving": ("Archiving", "正在归档", "正在封存"),
    "archived": (
        "Rows archived in {folder}: {rows}.",
        "已将 {rows} 条记录归档到 {folder}。",
        "已將 {rows} 筆紀錄封存到 {folder}。",
    ),
    "nothing_archived": (
        "Nothing is old enough to be archived.",
        "没有需要归档的旧记录。",
        "沒有需要封存的舊紀錄。",
    ),
    # check
    "all_well": (
        "The settings and {templates} templates are in order.",
        "设置和 {templates} 个模板都没有问题。",
        "設定和 {templates} 個範本都沒有問題。",
    ),
    # serve
    "listening": (
        "Xiaoer {version} listens at {address}",
        "小二 {version} 正在监听 {address}",
        "小二 {version} 正在監聽 {address}",
    ),
    "mail_only": ("mail, out only", "邮件，只发送", "郵件，只傳送"),
    "no_secret": (
        "{channel} has no secrets, so all that is delivered there is refused.",
        "{channel} 没有设置 secrets，收到的推送会全部拒绝。",
        "{channel} 沒有設定 secrets，收到的推送會全部拒絕。",
    ),
    "two_numberings": (
        "Two WooCommerce sites number orders alike, and one is taken for the other: make two shops of them.",
        "两个 WooCommerce 的订单号会重复，容易混在一起：请各设一家店。",
        "兩個 WooCommerce 的訂單編號會重複，容易混在一起：請各設一家店。",
    ),
    "no_speaker": (
        "Nothing can be said to buyers here: set up email or telegram, or the url of a webhook.",
        "这家店没有能给买家发消息的渠道：请设置 email、telegram，或 webhook 的 url。",
        "這家店沒有能傳訊息給買家的管道：請設定 email、telegram，或 webhook 的 url。",
    ),
    "to_try": ("To try it, in another window:", "在另一个窗口里试试：", "在另一個視窗裡試試："),
    "try_try": (
        "places a sample order and shows what becomes of it",
        "下一个示例订单，看看会发生什么",
        "下一筆範例訂單，看看會發生什麼",
    ),
    "try_outbox": ("what was said and what waits", "已发送和待发送的消息", "已傳送和待傳送的訊息"),
    "try_preview": ("how a message reads", "看看一条消息的样子", "看看一則訊息的樣子"),
    "stop_it": ("Ctrl-C stops it.", "按 Ctrl-C 停止。", "按 Ctrl-C 停止。"),
    "stopping": (
        "Stopping; what is in hand is finished first. Once more to stop at once.",
        "正在停止，先完成手头的工作。再按一次立即停止。",
        "正在停止，先完成手邊的工作。再按一次立即停止。",
    ),
    "no_leg": (
        "--legs: there is no leg {leg}; did you mean {nearest}? The legs are {legs}",
        "--legs：没有 {leg} 这个环节；是不是想写 {nearest}？可选的环节：{legs}",
        "--legs：沒有 {leg} 這個環節；是不是想寫 {nearest}？可選的環節：{legs}",
    ),
    "legs_of_one": (
        "--legs: an SQLite file is one program's, which has to run all legs; leave --legs out, or set "
        "`database` to a PostgreSQL to share the work",
        "--legs：SQLite 文件只能由一个程序使用，所有环节都要由它运行；请去掉 --legs，"
        "或者把 `database` 设为 PostgreSQL，再由多个程序分担",
        "--legs：SQLite 檔案只能由一個程式使用，所有環節都要由它執行；請去掉 --legs，"
        "或者把 `database` 設為 PostgreSQL，再由多個程式分擔",
    ),
    "only_legs": (
        "This program runs only: {legs}",
        "这个程序只运行：{legs}",
        "這個程式只執行：{legs}",
    ),
    # hold, release, backup
    "held_copy": (
        "THE OUTBOX IS HELD since {since}: this is a restored copy, and what it would say may have been said"
        " already. Deliveries are taken and decided on; `xiaoer release` shows what waits and lets it go.",
        "发送已暂停（{since} 起）：这个数据库是恢复的备份，它要发的消息可能已经发过。"
        "订单和消息照常接收、照常处理；用 `xiaoer release` 查看等待发送的内容，确认后再放行。",
        "傳送已暫停（{since} 起）：這個資料庫是還原的備份，它要傳的訊息可能已經傳過。"
        "訂單和訊息照常接收、照常處理；用 `xiaoer release` 查看等待傳送的內容，確認後再放行。",
    ),
    "held_asked": (
        "THE OUTBOX IS HELD since {since}, as you asked. Deliveries are taken and decided on;"
        " `xiaoer release` shows what waits and lets it go.",
        "发送已按您的要求暂停（{since} 起）。订单和消息照常接收、照常处理；"
        "用 `xiaoer release` 查看等待发送的内容并放行。",
        "傳送已依您的要求暫停（{since} 起）。訂單和訊息照常接收、照常處理；"
        "用 `xiaoer release` 查看等待傳送的內容並放行。",
    ),
    "held_now": (
        "Nothing is sent from now on; what was in hand is finished. `xiaoer release` lets it go on.",
        "从现在起不再发送（正在发送的会发完）。用 `xiaoer release` 恢复发送。",
        "從現在起不再傳送（正在傳送的會傳完）。用 `xiaoer release` 恢復傳送。",
    ),
    "not_held": (
        "The outbox is not held: messages go out when they are due.",
        "没有暂停发送：消息到时间就会发出。",
        "沒有暫停傳送：訊息到時間就會送出。",
    ),
    "shop": ("shop", "店铺", "店鋪"),
    "waits": ("waits", "等待发送", "等待傳送"),
    "overdue": ("due by now", "已到时间", "已到時間"),
    "oldest": ("the oldest is of", "最早的时间", "最早的時間"),
    "release_left_out": (
        "Withdrawn, since they were due before {before}: {count}",
        "{before} 之前到时间的，已撤回 {count} 条",
        "{before} 之前到時間的，已撤回 {count} 則",
    ),
    "release_would_leave_out": (
        "Of these, what was due before {before} is withdrawn.",
        "其中 {before} 之前到时间的会撤回，不再发送。",
        "其中 {before} 之前到時間的會撤回，不再傳送。",
    ),
    "release_checks": (
        "Each is looked at again when it leaves: what is untrue, unwanted or too late by then stays unsaid.",
        "每条消息发出前都会再核对一次：不再属实、买家不想收或已经太晚的，不会发送。",
        "每則訊息送出前都會再核對一次：不再屬實、買家不想收或已經太晚的，不會傳送。",
    ),
    "release_twice": (
        "What the other life said after the copy was made is not known here: by mail or Telegram such a"
        " message would come twice. --drop-before MOMENT withdraws what was due before that life ended.",
        "备份之后、恢复之前已经发过的消息，这里并不知道：邮件和 Telegram 会重复收到。"
        "加 --drop-before 时间，可以撤回在那之前到时间的消息。",
        "備份之後、還原之前已經傳過的訊息，這裡並不知道：郵件和 Telegram 會重複收到。"
        "加 --drop-before 時間，可以撤回在那之前到時間的訊息。",
    ),
    "withdrawing": ("Withdrawing", "正在撤回", "正在撤回"),
    "release_ask": ("Let it go now?", "现在放行吗？", "現在放行嗎？"),
    "release_how": (
        "Still held. `xiaoer release --yes` lets it go.",
        "仍在暂停。用 `xiaoer release --yes` 放行。",
        "仍在暫停。用 `xiaoer release --yes` 放行。",
    ),
    "released": (
        "Released. What is still true goes out now.",
        "已放行。仍然属实的消息现在开始发送。",
        "已放行。仍然屬實的訊息現在開始傳送。",
    ),
    "no_moment": (
        "--drop-before: {given} is no moment; write it as 2026-11-20T18:30",
        "--drop-before：{given} 不是时间；请写成 2026-11-20T18:30",
        "--drop-before：{given} 不是時間；請寫成 2026-11-20T18:30",
    ),
    "backing_up": ("Copying", "正在备份", "正在備份"),
    "backed_up": (
        "Copied to {file} ({size} MB). Served anywhere, it starts with its outbox held.",
        "已备份到 {file}（{size} MB）。无论在哪里启动，它都会先暂停发送。",
        "已備份到 {file}（{size} MB）。無論在哪裡啟動，它都會先暫停傳送。",
    ),
    "backup_there": (
        "{file} is there already; name another file",
        "{file} 已经存在；请换一个文件名",
        "{file} 已經存在；請換一個檔名",
    ),
    "backup_nowhere": (
        "{file} cannot be written: {why}",
        "无法写入 {file}：{why}",
        "無法寫入 {file}：{why}",
    ),
    "backup_by_server": (
        "PostgreSQL is copied by its own tools: pg_dump --format=custom --file={file} DATABASE. What"
        " pg_restore makes of it is known for a copy and starts held",
        "PostgreSQL 请用它自带的工具备份：pg_dump --format=custom --file={file} 数据库。"
        "用 pg_restore 恢复后会被认出，启动时先暂停发送",
        "PostgreSQL 請用它自帶的工具備份：pg_dump --format=custom --file={file} 資料庫。"
        "用 pg_restore 還原後會被認出，啟動時先暫停傳送",
    ),
    # try
    "try_sent": (
        "Order {order} of {buyer} was sent to {address} and accepted.",
        "{buyer} 的订单 {order} 已发送到 {address}，并被接受。",
        "{buyer} 的訂單 {order} 已傳送到 {address}，並被接受。",
    ),
    "try_received": (
        "What {buyer} reads ({template}):",
        "{buyer} 收到的消息（{template}）：",
        "{buyer} 收到的訊息（{template}）：",
    ),
    "try_receiver": (
        "Nobody listened at {url}, so this command stood in for your shop's chat while it ran.",
        "{url} 没有程序在监听，这个命令运行时临时代替了您店铺的聊天系统。",
        "{url} 沒有程式在監聽，這個命令執行時暫時代替了您店鋪的聊天系統。",
    ),
    "try_next": ("What happens next:", "接下来：", "接下來："),
    "try_explain": (
        "`xiaoer explain ID` tells why, `xiaoer outbox --order {order}` how it goes on.",
        "`xiaoer explain 编号` 说明原因，`xiaoer outbox --order {order}` 查看后续。",
        "`xiaoer explain 編號` 說明原因，`xiaoer outbox --order {order}` 查看後續。",
    ),
    # init
    "made": ("Made in {folder}:", "已在 {folder} 中生成：", "已在 {folder} 中產生："),
    "now_serve": (
        "Now: cd {folder} && xiaoer serve",
        "接下来：cd {folder} && xiaoer serve",
        "接下來：cd {folder} && xiaoer serve",
    ),
    "migrated": (
        "The database is up to date.",
        "数据库已是最新。",
        "資料庫已是最新。",
    ),
    "copied": ("The old one was copied to {copy}", "旧数据库已备份到 {copy}", "舊資料庫已備份到 {copy}"),
    # preview
    "yours": ("your words", "您的模板", "您的範本"),
    "ours": ("our words", "默认模板", "預設範本"),
    # audit
    "audited": ("Looking through the database", "正在检查数据库", "正在檢查資料庫"),
    "audit_clean": ("Every promise was kept.", "所有承诺都遵守了。", "所有承諾都遵守了。"),
    "audit_found": ("Findings: {findings}.", "发现 {findings} 处问题。", "發現 {findings} 處問題。"),
}


def say(code: str, reader: str, **values: object) -> str:
    """In one of LANGUAGES."""
    return WORDS[code][LANGUAGES.index(reader)].format(**values)
