//! Statements that travel to the database together.

use exai_core::store::StoreError;
use futures::TryStreamExt;
use sqlx::{
    Arguments, AssertSqlSafe, Either, Encode, Executor, Sqlite, SqliteConnection, Type,
    sqlite::SqliteArguments,
};

/// An identity as a key.
pub(crate) fn key(uuid: uuid::Uuid) -> Vec<u8> {
    uuid.as_bytes().to_vec()
}

/// A count as SQLite's only integer.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A change that the database will never accept.
pub(crate) fn refused(reason: &impl ToString) -> StoreError {
    StoreError::Refused { reason: reason.to_string() }
}

/// A value as JSON text.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| refused(&error))
}

/// The place of a batch among the others of its transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// Statements that go before the batch, and how many they are.
    pub(crate) opening: (&'static str, usize),
    /// Takes the batch back, to where the opening has left off.
    pub(crate) undo: &'static str,
}

impl Frame {
    /// A batch that has the transaction for itself. With the write lock from the start: a transaction that reads first can fail
    /// at its first write without waiting.
    pub(crate) const LONE: Self =
        Self { opening: ("BEGIN IMMEDIATE;", 1), undo: "ROLLBACK; BEGIN IMMEDIATE;" };
    /// The first batch of several.
    pub(crate) const FIRST: Self =
        Self { opening: ("BEGIN IMMEDIATE; SAVEPOINT batch;", 2), undo: "ROLLBACK TO batch;" };
    /// A further batch; the one before is kept.
    pub(crate) const NEXT: Self =
        Self { opening: ("RELEASE batch; SAVEPOINT batch;", 2), undo: "ROLLBACK TO batch;" };
    /// More of the same batch.
    pub(crate) const SAME: Self = Self { opening: ("", 0), undo: "" };
}

/// Statements that travel together, with their binds and the number of rows that each must change.
pub(crate) struct Script {
    sql: String,
    arguments: SqliteArguments,
    /// `None` for a statement that changes no rows: the driver then repeats the number of the statement before.
    rows: Vec<Option<u64>>,
}

impl Script {
    pub(crate) fn new(frame: Frame) -> Self {
        let (opening, statements) = frame.opening;
        Self { sql: opening.to_owned(), arguments: SqliteArguments::default(), rows: vec![None; statements] }
    }

    /// Adds statements, with the number of rows that each must change.
    pub(crate) fn push(&mut self, sql: &'static str, rows: &[u64]) -> Binds<'_> {
        self.push_some(sql, rows.iter().copied().map(Some))
    }

    /// Like [`Self::push`], for statements of which some may change any number of rows.
    pub(crate) fn push_some(
        &mut self,
        sql: &'static str,
        rows: impl IntoIterator<Item = Option<u64>>,
    ) -> Binds<'_> {
        self.sql.push_str(sql);
        self.rows.extend(rows);
        Binds { arguments: &mut self.arguments, failure: None }
    }

    /// Whether every statement changed the rows that it must.
    pub(crate) async fn run(self, conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        // Safe: the text is put together from the constants of `statements` and holds no value.
        let query = sqlx::query_with(AssertSqlSafe(self.sql), self.arguments);
        let mut results = conn.fetch_many(query);
        let mut complete = true;
        let mut rows = self.rows.into_iter();
        while let Some(result) = results.try_next().await? {
            if let Either::Left(done) = result {
                complete &= rows.next().flatten().is_none_or(|rows| rows == done.rows_affected());
            }
        }
        Ok(complete && rows.next().is_none())
    }
}

/// Binds one statement, in order.
pub(crate) struct Binds<'a> {
    arguments: &'a mut SqliteArguments,
    failure: Option<StoreError>,
}

impl Binds<'_> {
    pub(crate) fn bind<'q, T: Encode<'q, Sqlite> + Type<Sqlite>>(mut self, value: T) -> Self {
        if let Err(error) = self.arguments.add(value) {
            self.failure = Some(refused(&error));
        }
        self
    }

    pub(crate) fn finish(self) -> Result<(), StoreError> {
        self.failure.map_or(Ok(()), Err)
    }
}
