//! No answer, which is not "no": [`Unavailable`].

use std::{error::Error, fmt, sync::Arc, time::Duration};

/// After what time a client may ask again when nobody knows when there will be an answer.
pub(crate) const RETRY_AFTER_OUTAGE: Duration = Duration::from_secs(5);

/// Why a verifier has no answer. It goes to the log, never to the client. Cheap to clone.
#[derive(Clone)]
pub struct Unavailable {
    source: Arc<dyn Error + Send + Sync>,
    retry_after: Option<Duration>,
}

impl Unavailable {
    /// For this reason; text will do.
    #[must_use]
    pub fn because(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Arc::from(source.into()), retry_after: None }
    }

    /// Because there is more to do than can be done at once, and it is worth asking again after so long.
    #[must_use]
    pub fn busy(retry_after: Duration) -> Self {
        Self::because("the verifier is busy").retrying_after(retry_after)
    }

    /// The same, and it is worth asking again after so long.
    #[must_use]
    pub fn retrying_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// When it is worth asking again, if the verifier knows.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

crate::sentence::prints_its_sentence!(Unavailable);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
