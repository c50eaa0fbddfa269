//! The refusals of the ledger. See `transaction::refusal` for what a refusal is.

transaction::refusals! {
    ASSET_UNKNOWN = 401 "asset_unknown" Unknown, "No asset has this code", "Declare the asset first";
    ASSET_MISMATCH = 402 "asset_mismatch" Mismatch, "The assets differ", "Use accounts of one asset; declare another code for another scale";
    ACCOUNT_UNKNOWN = 403 "account_unknown" Unknown, "No account has this id", "Open the account first, or mend the id";
    ACCOUNT_FROZEN = 404 "account_frozen" Conflict, "The account takes no new entries or holds", "Set its standing to active first";
    ACCOUNT_CLOSED = 405 "account_closed" Conflict, "The account is closed", "Set its standing to active first";
    ACCOUNT_NOT_EMPTY = 406 "account_not_empty" Conflict, "The account still holds something", "Post what is left elsewhere, capture or release its holds, then close it";
    ACCOUNT_SAME = 407 "account_same" Malformed, "An entry needs two accounts", "Give `from` and `to` different accounts";
    AMOUNT_INVALID = 408 "amount_invalid" Malformed, "The amount is not one", "Give a positive decimal string with no more decimals than the asset's scale; never a JSON float";
    INSUFFICIENT = 409 "insufficient" Conflict, "Not so much is available", "Ask for less, or use `up_to`";
    CEILING_EXCEEDED = 410 "ceiling_exceeded" Conflict, "The account may not hold so much", "Ask for less, or raise the ceiling";
    OVERFLOW = 411 "overflow" Conflict, "The sum would not fit into 128 bits", "Use a smaller amount or a coarser scale";
    LINKED_REFUSED = 412 "linked_refused" Conflict, "Another member of the chain was refused", "Mend the member that was refused for its own sake";
    LINKED_OPEN = 413 "linked_open" Malformed, "The last member of a batch cannot be linked to a next one", "Close the chain";
    ID_MISMATCH = 414 "id_mismatch" Mismatch, "The id is known with other content", "Use another id for another operation, or repeat the first one unchanged";
    HOLD_UNKNOWN = 420 "hold_unknown" Unknown, "No hold has this id", "Mend the id";
    HOLD_CLOSED = 421 "hold_closed" Conflict, "The hold is captured or released", "Nothing is left of it";
    HOLD_EXPIRED = 422 "hold_expired" Conflict, "The hold has expired", "Reopen it, if the value is still there";
    HOLD_OWNED = 423 "hold_owned" Conflict, "The hold belongs to a branch of a transaction", "Confirm or cancel the transaction";
    HOLD_OPEN = 424 "hold_open" Conflict, "The hold is open", "Only an expired hold can be reopened";
    CAPTURE_EXCEEDS_HOLD = 425 "capture_exceeds_hold" Conflict, "The hold is smaller than that", "Capture at most what is left of it";
    REFUND_INVALID = 426 "refund_invalid" Conflict, "It gives back what was not taken, or more than is left of it", "Name an entry or capture between the same two accounts, and at most what was not refunded yet";
    LOTS_INVALID = 427 "lots_invalid" Malformed, "Lots do not fit here", "Give an expiry only to entries into an account with lots, and lots a sink of the same asset without lots";
    MACHINE_UNKNOWN = 440 "machine_unknown" Unknown, "No machine has this name and version", "Declare the machine first";
    MACHINE_INVALID = 441 "machine_invalid" Malformed, "The machine contradicts itself", "Mend what the detail names; `tercet machine check` shows all of it";
    ITEM_UNKNOWN = 442 "item_unknown" Unknown, "No item has this id", "Create the item first, or mend the id";
    ITEM_INVALID = 443 "item_invalid" Malformed, "An attribute or argument is malformed", "Give at most 32, keys as ids, values as strings, whole numbers or booleans";
    ITEM_HELD = 444 "item_held" Conflict, "A transaction holds the item", "Wait until the transaction is confirmed or cancelled";
    MOVE_UNDECLARED = 445 "move_undeclared" Conflict, "The machine declares no such move from here", "Read the item's state and its machine";
    GUARD_REFUSED = 446 "guard_refused" Conflict, "A guard of the move says no", "The detail names the guard and the values";
    EXPIRY_INVALID = 447 "expiry_invalid" Malformed, "The expiry is in the past, or too far away", "Give a time in the next hundred years";
    CAUSE_INVALID = 448 "cause_invalid" Malformed, "The cause is malformed", "Transaction, branch and operator are ids; the reason has at most 256 bytes";
    BATCH_TOO_LARGE = 449 "batch_too_large" TooLarge, "The batch has more members than are allowed", "Split it; members that belong together are linked";
}
