//! The refusals of this room. See `transaction::refusal` for what a refusal is.

transaction::refusals! {
    OVERLOADED = 201 "overloaded" NotNow, "More is asked than can be done now", "Ask again after `Retry-After`; nothing was kept";
    STORAGE_FULL = 202 "storage_full" NotNow, "The disk is full: no new work is taken", "Free space; what is open still finishes, and new work is taken again by itself";
    STOPPING = 203 "stopping" NotNow, "This process is going down", "Ask again after `Retry-After`; nothing was kept";
    IDEMPOTENCY_MISMATCH = 204 "idempotency_mismatch" Mismatch, "The id or key is known with other content", "Use another id or key for another request, or repeat the first one unchanged";
    IDEMPOTENCY_IN_PROGRESS = 205 "idempotency_in_progress" Conflict, "The first request with this key is still being kept", "Ask again in a moment";
    CURSOR_INVALID = 206 "cursor_invalid" Malformed, "The cursor is not one that was given out", "Start without a cursor";
    ARCHIVE_UNAVAILABLE = 207 "archive_unavailable" NotNow, "What is finished cannot be read just now", "Ask again after `Retry-After`; look at the log of the server";
}
