//! What an application keeps beside a session: [`SessionData`].

use serde::{Serialize, de::DeserializeOwned};

use super::{Sessions, patience::in_time};
use crate::{gate::Grant, unavailable::Unavailable};

/// The longest text of a session's data, in bytes of JSON: it is read and written as a whole.
const LONGEST: usize = 4096;

/// A small value of the application's own, kept beside one session and gone with it: what is in a basket, or which step of a form comes next.
///
/// ```
/// # use countersign::{Grant, mint::session::{DataError, Sessions}};
/// async fn put(
///     sessions: &Sessions<String>,
///     me: &Grant<String>,
///     article: u64,
/// ) -> Result<(), DataError> {
///     let mut basket = sessions.data::<Vec<u64>>(me).await?;
///     basket.value.get_or_insert_default().push(article);
///     // Who reads and writes at once with another request is told, and begins again.
///     sessions.keep(me, &mut basket).await
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionData<T> {
    /// What was kept, if anything was.
    pub value: Option<T>,
    revision: u64,
}

/// Why a session's data was not read or kept.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The grant was not given for one of these sessions, or the session has ended.
    #[error("there is no such session")]
    NoSession,
    /// Another has written since this was read.
    #[error("another has written since this was read")]
    Conflict,
    /// It takes more than 4 KiB of JSON.
    #[error("it takes more than 4 KiB of JSON")]
    TooLong,
    /// What is kept is not of this type, or what is to be kept cannot be written as JSON.
    #[error("it cannot be read or written as this type")]
    Unreadable,
    /// The store does not answer.
    #[error("the store of sessions has no answer")]
    Unavailable(#[from] Unavailable),
}

crate::sentence::prints_its_sentence!(DataError);

impl<P: Send + Sync + 'static> Sessions<P> {
    /// What the application keeps beside the session that this grant was given for.
    ///
    /// # Errors
    /// When there is no such session, what is kept is not of this type, or the store does not answer.
    pub async fn data<T: DeserializeOwned>(&self, grant: &Grant<P>) -> Result<SessionData<T>, DataError> {
        let (subject, id) = self.session_of(grant)?;
        let record = in_time(self.store.find_of(subject, id)).await?.ok_or(DataError::NoSession)?;
        let value = record.data.map(|text| serde_json::from_str(&text)).transpose();
        Ok(SessionData { value: value.map_err(|_| DataError::Unreadable)?, revision: record.revision })
    }

    /// Keeps this beside the session, if nobody has written since it was read; it may then be changed and kept again.
    ///
    /// # Errors
    /// When another has written since, there is no such session, it is too long, or the store does not answer.
    pub async fn keep<T: Serialize>(&self, grant: &Grant<P>, data: &mut SessionData<T>) -> Result<(), DataError> {
        let (subject, id) = self.session_of(grant)?;
        let text = serde_json::to_string(&data.value).map_err(|_| DataError::Unreadable)?;
        if text.len() > LONGEST {
            return Err(DataError::TooLong);
        }
        if in_time(self.store.write(subject, id, &text, data.revision)).await? {
            data.revision += 1;
            return Ok(());
        }
        match in_time(self.store.find_of(subject, id)).await? {
            Some(_) => Err(DataError::Conflict),
            None => Err(DataError::NoSession),
        }
    }

    fn session_of<'g>(&self, grant: &'g Grant<P>) -> Result<(&'g str, &'g str), DataError> {
        grant.subject().zip(self.id_in(grant)).ok_or(DataError::NoSession)
    }
}
