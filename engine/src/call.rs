//! What every call of a tool carries through the engine.

use std::{ops::Deref, sync::Arc, time::Duration};

use exai_inference::scope::CallScope;

use crate::roots::RootSource;

/// One call of a tool: the bounds of what it asks of models, and the folders that it may read.
#[derive(Clone)]
pub struct Call {
    /// The caller, the deadline, the way to stop the call, and where its progress goes.
    pub scope: CallScope,
    /// The folders that may be read.
    pub roots: Arc<dyn RootSource>,
}

impl Call {
    /// A part of this call with an end and a progress of its own.
    pub(crate) fn apart(&self, limit: Duration) -> Self {
        Self { scope: self.scope.apart(limit), roots: Arc::clone(&self.roots) }
    }
}

impl Deref for Call {
    type Target = CallScope;

    fn deref(&self) -> &CallScope {
        &self.scope
    }
}
