//! The scripts, each a file of `lua/`. What several need stands before them.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($name:ident: $($file:literal),+;)*) => {
        $(pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!(concat!("lua/", $file, ".lua")), "\n"),+)));)*
    };
}

scripts! {
    SESSION_INSERT: "announce", "session_insert";
    SESSION_OF: "session_of";
    OWNED_LIST: "owned_list";
    SESSION_TOUCH: "session_touch";
    SESSION_WRITE: "session_write";
    SESSION_REMOVE: "announce", "session_remove";
    SESSION_REMOVE_OF: "announce", "session_remove_of";
    SESSION_REMOVE_ALL_OF: "announce", "session_remove_all_of";
    STANDING: "standing";
    SUBJECT_REVOKE: "announce", "subject_revoke";
    HANDLE_REVOKE: "announce", "handle_void", "handle_revoke";
    VOID_PURGE: "void_purge";
    FAMILY_BEGIN: "family", "family_begin";
    FAMILY_FIND: "family", "family_find";
    FAMILY_LIST: "family", "family_list";
    FAMILY_ROTATE: "announce", "handle_void", "family", "family_rotate";
    KEY_INSERT: "key_insert";
    KEY_REMOVE: "announce", "key_remove";
    KEY_TOUCH: "key_touch";
    REPLAY: "ledger", "replay";
    COUNT: "ledger", "count";
    BOUND_INSERT: "bound_insert";
    BOUND_USE: "bound_use";
    DEVICE_INSERT: "device_insert";
    DEVICE_BIND: "device_bind";
    TRY_ENTER: "tries", "try_enter";
    TRY_LEAVE: "tries", "try_leave";
    OUTBOX_SINCE: "outbox_since";
    OUTBOX_ANNOUNCE: "announce", "outbox_announce";
    OUTBOX_PURGE: "outbox_purge";
}
