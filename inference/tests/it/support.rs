//! A provider whose answers are fed piece by piece, and what a completion needs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use exai_core::{
    EndpointIdentity, Identity, ModelId, Principal, ProviderId, RequestId, SystemClock, ThreadId,
    chat::{Delta, Finish, Message, Request, Usage},
    model::ModelSpec,
    provider::{CallCtx, Provider, ProviderError, ReplyStream},
    store::{Store, Write},
};
use exai_inference::{
    Inference, InferenceParts, InferenceSettings, coordination::Coordination, question::Question,
    routing::Chosen, scope::CallScope,
};
use exai_store::{Settings, SqliteStore};
use futures::StreamExt as _;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

/// Serves one model and streams what it is fed.
pub(crate) struct Fed {
    id: ProviderId,
    pieces: Arc<Mutex<mpsc::UnboundedReceiver<Delta>>>,
    /// Requests so far.
    pub asked: AtomicUsize,
    /// Pieces that were taken from the stream.
    pub taken: Arc<AtomicUsize>,
}

#[async_trait]
impl Provider for Fed {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn identity(&self) -> EndpointIdentity {
        EndpointIdentity([1; 32])
    }

    fn models(&self) -> Arc<[ModelSpec]> {
        [self.model("m").unwrap()].into()
    }

    fn accepts_unknown_models(&self) -> bool {
        true
    }

    fn is_vendor_endpoint(&self) -> bool {
        false
    }

    fn model(&self, name: &str) -> Option<ModelSpec> {
        Some(ModelSpec::unknown(self.id.clone(), name.into(), None))
    }

    async fn chat(&self, _request: &Request, _call: &CallCtx) -> Result<ReplyStream, ProviderError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (pieces, taken) = (Arc::clone(&self.pieces), Arc::clone(&self.taken));
        let stream = futures::stream::unfold(false, move |is_over| {
            let (pieces, taken) = (Arc::clone(&pieces), Arc::clone(&taken));
            async move {
                if is_over {
                    return None;
                }
                let piece = pieces.lock().await.recv().await?;
                taken.fetch_add(1, Ordering::SeqCst);
                let is_over = matches!(piece, Delta::Finished(_));
                Some((Ok(piece), is_over))
            }
        });
        Ok(stream.boxed())
    }

    async fn live_models(&self, _call: &CallCtx) -> Result<Vec<ModelId>, ProviderError> {
        Ok(vec!["m".into()])
    }
}

/// A completion's surroundings, and the hand that feeds the provider.
pub(crate) struct World {
    pub inference: Arc<Inference>,
    pub provider: Arc<Fed>,
    pub store: Arc<SqliteStore>,
    pub feed: mpsc::UnboundedSender<Delta>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let (feed, pieces) = mpsc::unbounded_channel();
        let provider = Arc::new(Fed {
            id: "fed".into(),
            pieces: Arc::new(Mutex::new(pieces)),
            asked: AtomicUsize::new(0),
            taken: Arc::default(),
        });
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock);
        let store = SqliteStore::open_lazily(Settings::at(folder.path().join("runs.db")), clock.clone());
        let settings = InferenceSettings::default();
        let coordination = Coordination::in_process(&settings);
        let inference = Inference::new(InferenceParts {
            providers: vec![provider.clone()],
            store: store.clone(),
            clock,
            jitter: Arc::new(|| 0.0),
            settings,
            coordination,
            closing: CancellationToken::new(),
        });
        Self { inference: Arc::new(inference), provider, store, feed, _folder: folder }
    }

    /// The question of a new thread, asked anew.
    pub(crate) fn question(&self, text: &str) -> Question {
        let Ok(Chosen::Model(choice)) = self.inference.router().models().choose(
            Some("fed/m"),
            None,
            exai_core::model::Mark::Fast,
            &exai_inference::routing::Allowed::default(),
        ) else {
            panic!("the only model is configured")
        };
        let thread = ThreadId::new();
        let prologue = Write::CreateThread { id: thread, tool: "chat".into(), title: text.into(), at: NOON };
        Question {
            tool: "chat",
            prompt_version: 1,
            thread: Some(thread),
            request: Request::asking("m".into(), Message::user(text)),
            choice: *choice,
            fresh: true,
            allow_stale: false,
            is_usable: |_| true,
            alone: false,
            is_last: true,
            prologue: vec![prologue],
        }
    }

    /// Feeds a whole answer.
    pub(crate) fn answer(&self, text: &str) {
        self.feed.send(Delta::Text(text.into())).unwrap();
        self.feed
            .send(Delta::Usage(Usage { input_tokens: 3, output_tokens: 1, ..Usage::default() }))
            .unwrap();
        self.feed.send(Delta::Finished(Finish::Stop)).unwrap();
    }

    /// Everything that was handed to the database is in it.
    pub(crate) async fn stored(&self) -> Vec<exai_core::run::Run> {
        assert!(self.store.flush(Duration::from_secs(30)).await);
        let store: &dyn Store = &*self.store;
        store.recent_runs(&Identity::local(), &Default::default(), 10).await.unwrap()
    }
}

/// A moment that no test depends on.
const NOON: exai_core::Timestamp = exai_core::Timestamp(1_795_262_400_000);

pub(crate) fn scope() -> CallScope {
    let request = RequestId::from("r");
    CallScope::new(Principal::local(), request, Duration::from_secs(600), CancellationToken::new())
}
