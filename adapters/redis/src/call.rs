//! What a script is called with: [`Call`].

use redis::{Script, ScriptInvocation, ToRedisArgs};

/// Keys and arguments, in the order in which a script reads them.
#[derive(Default)]
pub(crate) struct Call {
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    /// With these keys.
    pub(crate) fn on<const N: usize>(keys: [String; N]) -> Self {
        Self { keys: keys.into(), arguments: Vec::new() }
    }

    /// And with these keys.
    pub(crate) fn and_on(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// With this argument next.
    pub(crate) fn with(mut self, argument: impl ToRedisArgs) -> Self {
        self.arguments.extend(argument.to_redis_args());
        self
    }

    /// With these arguments next.
    pub(crate) fn with_all(mut self, arguments: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.arguments.extend(arguments);
        self
    }

    pub(crate) fn of<'s>(&self, script: &'s Script) -> ScriptInvocation<'s> {
        let mut invocation = script.prepare_invoke();
        for key in &self.keys {
            invocation.key(key);
        }
        for argument in &self.arguments {
            invocation.arg(argument.as_slice());
        }
        invocation
    }
}
