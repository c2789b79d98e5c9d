//! Who hears how far a batch is.

use std::{fmt, sync::Arc};

use super::Batch;

/// Called with how many commands have their outcome.
#[derive(Clone, Default)]
pub(super) struct Progress(Option<Arc<dyn Fn(usize) + Send + Sync>>);

impl Progress {
    pub(super) fn tell(&self, commands: usize) {
        if let Some(hear) = &self.0 {
            hear(commands);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Progress(heard)" } else { "Progress" })
    }
}

impl Batch {
    /// Has `hear` told how many commands have their outcome, after each request. It must not wait.
    #[must_use]
    pub fn progress(mut self, hear: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.progress = Progress(Some(Arc::new(hear)));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::Value;

    use super::*;
    use crate::rest::batch::tests::portal;

    #[tokio::test]
    async fn every_command_is_told_of_whatever_became_of_it() {
        let results = r#"{"c0": 1}"#;
        let errors = r#"{"c1": {"error": "x"}}"#;
        let client =
            portal(format!(r#"{{"result":{{"result":{results},"result_error":{errors}}}}}"#)).await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let mut batch =
            Batch::new().progress(move |commands| telling.lock().unwrap().push(commands));
        batch.push("profile", Value::Null).unwrap();
        batch.push("crm.lead.get", Value::Null).unwrap();
        let outcomes = client.run_batch(batch).await.unwrap();
        assert!(outcomes[0].is_ok() && outcomes[1].is_err());
        assert_eq!(*told.lock().unwrap(), [2]);
    }
}
