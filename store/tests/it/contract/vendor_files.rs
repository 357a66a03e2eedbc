//! The record of files that were uploaded to providers.

use exai_core::{files::UploadedFile, store::Write};

use super::{Bench, ann, strangers};
use crate::support::NOON;

fn file(id: &str, at: i64) -> UploadedFile {
    UploadedFile {
        provider: "kimi".into(),
        id: id.to_owned(),
        hash: "0".repeat(64),
        name: "a.pdf".to_owned(),
        bytes: 5_000_000_000,
        uploaded_at: NOON.plus_millis(at),
    }
}

fn forget(id: &str) -> Write {
    Write::ForgetFile { provider: "kimi".into(), id: id.to_owned() }
}

pub(crate) async fn files_are_listed_latest_first(bench: &Bench) {
    let remembered = ["one", "two"].into_iter().zip(0..).map(|(id, at)| Write::RememberFile(file(id, at)));
    bench.accept(&ann(), remembered.collect()).await;
    assert_eq!(bench.store.uploaded_files(&ann(), 9).await.unwrap(), [file("two", 1), file("one", 0)]);
    assert_eq!(bench.store.uploaded_files(&ann(), 1).await.unwrap(), [file("two", 1)]);
}

pub(crate) async fn files_are_forgotten_and_replaced(bench: &Bench) {
    bench
        .accept(&ann(), vec![Write::RememberFile(file("one", 0)), Write::RememberFile(file("two", 1))])
        .await;
    bench.accept(&ann(), vec![forget("one"), forget("never there")]).await;
    assert_eq!(bench.store.uploaded_files(&ann(), 9).await.unwrap(), [file("two", 1)]);
    let again = UploadedFile { name: "b.pdf".to_owned(), ..file("two", 7) };
    bench.accept(&ann(), vec![Write::RememberFile(again.clone())]).await;
    assert_eq!(bench.store.uploaded_files(&ann(), 9).await.unwrap(), [again]);
    let elsewhere = UploadedFile { provider: "glm".into(), ..file("two", 8) };
    bench.accept(&ann(), vec![Write::RememberFile(elsewhere)]).await;
    assert_eq!(bench.store.uploaded_files(&ann(), 9).await.unwrap().len(), 2);
}

pub(crate) async fn others_see_no_file(bench: &Bench) {
    bench.accept(&ann(), vec![Write::RememberFile(file("one", 0))]).await;
    for stranger in strangers() {
        assert_eq!(bench.store.uploaded_files(&stranger, 9).await.unwrap(), []);
        bench.accept(&stranger, vec![forget("one")]).await;
    }
    assert_eq!(bench.store.uploaded_files(&ann(), 9).await.unwrap(), [file("one", 0)]);
}
