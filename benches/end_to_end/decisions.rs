//! What the choice of a model takes, with five vendors and all their models configured.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use exai_core::{Principal, RequestId, SystemClock, model::Mark};
use exai_engine::{
    Call, Engine, Parts, Settings,
    inference::{
        InferenceSettings,
        coordination::Coordination,
        routing::{Facts, Preferences, Strategy},
        scope::CallScope,
    },
    roots::{FixedRoots, Roots},
};
use exai_providers::{EndpointSettings, HttpSettings, VendorKind};
use exai_store::SqliteStore;
use tokio_util::sync::CancellationToken;

const DECISIONS: usize = 100_000;

pub(crate) fn of_models(runtime: &tokio::runtime::Runtime, home: &Path) {
    use VendorKind::{Anthropic, Gemini, Glm, Kimi, OpenAi};
    let settings = [OpenAi, Glm, Kimi, Anthropic, Gemini].map(|vendor| EndpointSettings {
        key: Some("key".to_owned().into()),
        ..EndpointSettings::new(vendor.name().into(), vendor)
    });
    let providers = exai_providers::build(settings.to_vec(), HttpSettings::default()).expect("providers");
    let models: Vec<usize> = providers.iter().map(|provider| provider.models().len()).collect();
    let clock = Arc::new(SystemClock);
    for (word, strategy) in Strategy::WORDS {
        let engine = Engine::new(Parts {
            providers: providers.clone(),
            store: SqliteStore::open_lazily(
                exai_store::Settings::at(home.join("decisions.db")),
                clock.clone(),
            ),
            clock: clock.clone(),
            jitter: Arc::new(|| 0.5),
            settings: Settings {
                inference: InferenceSettings {
                    preferences: Preferences { strategy, ..Preferences::default() },
                    ..InferenceSettings::default()
                },
                ..Settings::default()
            },
            coordination: Coordination::in_process(&InferenceSettings::default()),
            closing: CancellationToken::new(),
        });
        let needs =
            Facts { with_expert: true, question: 900, file_bytes: 60_000, ..Facts::default() }.needs();
        assert_eq!(needs.purpose, Mark::Deep);
        let mut walls = runtime.block_on(async {
            let call = call();
            let mut walls = Vec::with_capacity(DECISIONS);
            for _ in 0..DECISIONS {
                let begun = Instant::now();
                engine.inference().router().choose("codereview", None, &needs, &call).await.expect("a model");
                walls.push(begun.elapsed().as_secs_f64() * 1e6);
            }
            walls
        });
        walls.sort_by(f64::total_cmp);
        let at = |share: usize| walls.get(walls.len() * share / 100).copied().unwrap_or(f64::NAN);
        println!(
            "choice among {models:?} models, {word}: {:.1} µs median, {:.1} µs at the 99th percentile",
            at(50),
            at(99)
        );
    }
}

fn call() -> Call {
    let limit = Duration::from_secs(600);
    Call {
        scope: CallScope::new(Principal::local(), RequestId::from("bench"), limit, CancellationToken::new()),
        roots: Arc::new(FixedRoots(Arc::new(Roots::default()))),
    }
}
