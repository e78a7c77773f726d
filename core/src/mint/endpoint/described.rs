//! What an endpoint takes and answers, said beside the code that does it: for documents about an app.

/// An endpoint in words and shapes. What its gate asks for is the gate's to say.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) method: &'static str,
    /// What it does, in a line.
    pub(crate) summary: &'static str,
    pub(crate) takes: Option<Takes>,
    pub(crate) answers: &'static [Answered],
    /// Refusals beside those of a gate, of a body and of a store.
    pub(crate) refuses: &'static [(u16, &'static str)],
    /// Whether a store is asked, which may have no answer.
    pub(crate) asks: bool,
}

/// A body.
#[derive(Debug, Clone)]
pub(crate) struct Takes {
    pub(crate) json: bool,
    pub(crate) form: bool,
    /// Whether there must be one.
    pub(crate) required: bool,
    pub(crate) members: Vec<Member>,
}

/// An answer that is no refusal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) says: &'static str,
    /// Fields that it brings.
    pub(crate) fields: &'static [&'static str],
    /// What is in its JSON, if it has a body.
    pub(crate) gives: Option<&'static [Member]>,
}

/// A member of an object, or a field of a form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

/// What a value can be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Text,
    /// Text that holds a secret.
    Password,
    /// A time of RFC 3339.
    Moment,
    /// A number of seconds, from one up to this.
    Seconds(u64),
    Flag,
    /// This text and no other.
    Only(&'static str),
    OrNull(&'static Self),
    Each(&'static Self),
    Object(&'static [Member]),
    /// An object whose members others write down.
    Whatever,
}

impl Described {
    pub(crate) const fn new(method: &'static str, summary: &'static str) -> Self {
        Self { method, summary, takes: None, answers: &[], refuses: &[], asks: true }
    }

    /// Nobody has to be asked for its answer.
    pub(crate) const fn at_once(mut self) -> Self {
        self.asks = false;
        self
    }

    pub(crate) const fn answering(mut self, answers: &'static [Answered]) -> Self {
        self.answers = answers;
        self
    }

    pub(crate) const fn refusing(mut self, refuses: &'static [(u16, &'static str)]) -> Self {
        self.refuses = refuses;
        self
    }

    /// A JSON object of these members.
    pub(crate) fn taking(self, members: &[Member]) -> Self {
        self.with_body(members, [true, false], true)
    }

    /// The same, or no body at all.
    pub(crate) fn taking_at_will(self, members: &[Member]) -> Self {
        self.with_body(members, [true, false], false)
    }

    /// A form, and nothing else.
    pub(crate) fn taking_a_form(self, members: &[Member]) -> Self {
        self.with_body(members, [false, true], true)
    }

    /// A form, or a JSON object.
    pub(crate) fn taking_either(self, members: &[Member]) -> Self {
        self.with_body(members, [true, true], true)
    }

    fn with_body(mut self, members: &[Member], [json, form]: [bool; 2], required: bool) -> Self {
        self.takes = Some(Takes { json, form, required, members: members.to_vec() });
        self
    }
}

impl Member {
    /// One that is always there.
    pub(crate) const fn of(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, required: true }
    }

    /// One that may be left out.
    pub(crate) const fn maybe(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, required: false }
    }
}

impl Answered {
    /// An answer with this in its JSON.
    pub(crate) const fn json(status: u16, says: &'static str, gives: &'static [Member]) -> Self {
        Self { status, says, fields: &[], gives: Some(gives) }
    }

    /// An answer without a body.
    pub(crate) const fn empty(status: u16, says: &'static str) -> Self {
        Self { status, says, fields: &[], gives: None }
    }

    pub(crate) const fn with_fields(mut self, fields: &'static [&'static str]) -> Self {
        self.fields = fields;
        self
    }
}

/// What ends something.
pub(crate) const DONE: &[Answered] = &[Answered::empty(204, "It is done.")];

/// The same for a form.
pub(crate) const DONE_BY_FORM: &[Answered] =
    &[Answered::empty(303, "It is done; on to the page.").with_fields(&["Location"])];

/// Asking for more than one has.
pub(crate) const BEYOND: (u16, &str) =
    (400, "The body cannot be read, or asks for more than the caller has: `invalid_request`, `invalid_scope`.");

/// A sign-in that fails.
pub(crate) const NOT_SIGNED_IN: &[(u16, &str)] = &[
    (401, "The name or the password is not good."),
    (403, "A page of another site asked, or the channel is not a secure one."),
    (429, "Too many wrong tries."),
];
