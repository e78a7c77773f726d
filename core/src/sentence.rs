//! Errors of set-up: a `main` that returns one prints its `Debug`, which is therefore the sentence.

/// Prints the sentence where the fields would be printed.
macro_rules! prints_its_sentence {
    ($($error:ty),+ $(,)?) => { $(
        impl ::std::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }
    )+ };
}

pub(crate) use prints_its_sentence;
