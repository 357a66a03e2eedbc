//! How each change becomes SQL.
//!
//! A statement costs more on its way to the connection's thread and back than in SQLite, so the statements of a batch travel
//! together as one script of fixed texts. Each statement knows how many rows it must change; when one changes fewer, the batch is
//! taken back and gone through again piece by piece, to tell which piece could not be made and why.

use exai_core::{
    Identity, ProviderId, RunId, ThreadId, Timestamp,
    answer::KeptAnswer,
    files::UploadedFile,
    run::{Run, RunOutcome, RunState},
    store::{StoreError, Write},
    thread::{BODY_VERSION, Body, FileRef, Turn},
};
use futures::TryStreamExt;
use sqlx::{
    Arguments, AssertSqlSafe, Either, Encode, Executor, Row, Sqlite, SqliteConnection, Type,
    sqlite::SqliteArguments,
};

use super::{
    Settings,
    error::Cause,
    settings::millis,
    statements::{
        APPEND_FILES, APPEND_TURN, CREATE_THREAD, DELETE_THREAD, FINISH_RUN, FORGET_ANSWERS, FORGET_FILE,
        KEEP_ANSWER, REMEMBER_FILE, START_RUN, TURNS_OF_THREAD,
    },
};

/// The most pieces of one script. Scripts of usual batches are few and stay prepared; a long append is cut into equal ones.
const PIECES: usize = 8;

/// An identity as a key.
pub(crate) fn key(uuid: uuid::Uuid) -> Vec<u8> {
    uuid.as_bytes().to_vec()
}

/// A count as SQLite's only integer.
fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn refused(reason: &impl ToString) -> StoreError {
    StoreError::Refused { reason: reason.to_string() }
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| refused(&error))
}

/// How a batch stands among the others of its transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// Statements that go before the batch, and how many they are.
    opening: (&'static str, usize),
    /// Takes the batch back, to where the opening has left off.
    undo: &'static str,
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
    const SAME: Self = Self { opening: ("", 0), undo: "" };
}

/// Statements that travel together, with their binds and the number of rows that each must change.
struct Script {
    sql: String,
    arguments: SqliteArguments,
    /// `None` for a statement that changes no rows: the driver then repeats the number of the statement before.
    rows: Vec<Option<u64>>,
}

impl Script {
    fn new(frame: Frame) -> Self {
        let (opening, statements) = frame.opening;
        Self { sql: opening.to_owned(), arguments: SqliteArguments::default(), rows: vec![None; statements] }
    }

    fn push(&mut self, sql: &'static str, rows: &[u64]) -> Binds<'_> {
        self.push_some(sql, rows.iter().copied().map(Some))
    }

    /// Like [`Self::push`], for statements of which some may change any number of rows.
    fn push_some(&mut self, sql: &'static str, rows: impl IntoIterator<Item = Option<u64>>) -> Binds<'_> {
        self.sql.push_str(sql);
        self.rows.extend(rows);
        Binds { arguments: &mut self.arguments, failure: None }
    }

    /// Whether every statement changed the rows that it must.
    async fn run(self, conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        // Safe: the text is put together from the constants of this file and holds no value.
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
struct Binds<'a> {
    arguments: &'a mut SqliteArguments,
    failure: Option<StoreError>,
}

impl Binds<'_> {
    fn bind<'q, T: Encode<'q, Sqlite> + Type<Sqlite>>(mut self, value: T) -> Self {
        if let Err(error) = self.arguments.add(value) {
            self.failure = Some(refused(&error));
        }
        self
    }

    fn finish(self) -> Result<(), StoreError> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// The smallest part of a batch that can be refused for a reason of its own.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Create { id: ThreadId, tool: &'a str, title: &'a str, at: Timestamp },
    Turn { thread: ThreadId, turn: &'a Turn },
    Files { thread: ThreadId, seq: u32, files: &'a [FileRef] },
    Delete(ThreadId),
    Keep(&'a KeptAnswer),
    Remember(&'a UploadedFile),
    Forget { provider: &'a ProviderId, id: &'a str },
    ForgetAnswers(Timestamp),
    Start(&'a Run),
    Finish { id: RunId, state: RunState, at: Timestamp, outcome: &'a RunOutcome },
}

fn pieces(writes: &[Write]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::with_capacity(writes.len());
    for write in writes {
        match write {
            Write::CreateThread { id, tool, title, at } => {
                pieces.push(Piece::Create { id: *id, tool, title, at: *at });
            }
            Write::AppendTurns { thread, turns } => {
                for turn in turns {
                    pieces.push(Piece::Turn { thread: *thread, turn });
                    match &turn.body {
                        Body::Message(message) if !message.files.is_empty() => {
                            pieces.push(Piece::Files {
                                thread: *thread,
                                seq: turn.seq,
                                files: &message.files,
                            });
                        }
                        Body::Message(_) | Body::Step(_) | Body::Answer(_) | Body::Opinion(_) => {}
                    }
                }
            }
            Write::DeleteThread(id) => pieces.push(Piece::Delete(*id)),
            Write::KeepAnswer(answer) => pieces.push(Piece::Keep(answer)),
            Write::RememberFile(file) => pieces.push(Piece::Remember(file)),
            Write::ForgetFile { provider, id } => pieces.push(Piece::Forget { provider, id }),
            Write::ForgetAnswers { at } => pieces.push(Piece::ForgetAnswers(*at)),
            Write::StartRun(run) => pieces.push(Piece::Start(run)),
            Write::FinishRun { id, state, at, outcome } => {
                pieces.push(Piece::Finish { id: *id, state: *state, at: *at, outcome });
            }
        }
    }
    pieces
}

/// What a change needs to know beside itself.
pub(crate) struct Changes<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) now: Timestamp,
    pub(crate) who: &'a Identity,
}

impl Changes<'_> {
    /// Makes a batch in the place that `frame` says. A refusal leaves nothing of the batch.
    ///
    /// # Errors
    /// The database failed; what the transaction holds is then unknown.
    pub(crate) async fn make(
        &self,
        conn: &mut SqliteConnection,
        frame: Frame,
        writes: &[Write],
    ) -> Result<Result<(), StoreError>, sqlx::Error> {
        let pieces = pieces(writes);
        let scripts = match self.scripts(frame, &pieces) {
            Ok(scripts) => scripts,
            Err(refusal) => {
                Script::new(frame).run(conn).await?;
                return Ok(Err(refusal));
            }
        };
        for script in scripts {
            match script.run(&mut *conn).await {
                Ok(true) => {}
                Err(error) if Cause::of(&error) != Cause::Statement => return Err(error),
                Ok(false) | Err(_) => {
                    sqlx::query(frame.undo).execute(&mut *conn).await?;
                    return self.make_singly(conn, frame, &pieces).await;
                }
            }
        }
        Ok(Ok(()))
    }

    fn scripts(&self, frame: Frame, pieces: &[Piece<'_>]) -> Result<Vec<Script>, StoreError> {
        let mut scripts = Vec::with_capacity(1);
        let mut script = Script::new(frame);
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 && index % PIECES == 0 {
                scripts.push(std::mem::replace(&mut script, Script::new(Frame::SAME)));
            }
            self.add(&mut script, *piece)?;
        }
        scripts.push(script);
        Ok(scripts)
    }

    async fn make_singly(
        &self,
        conn: &mut SqliteConnection,
        frame: Frame,
        pieces: &[Piece<'_>],
    ) -> Result<Result<(), StoreError>, sqlx::Error> {
        for piece in pieces {
            let mut script = Script::new(Frame::SAME);
            let refusal = match self.add(&mut script, *piece) {
                Err(refusal) => refusal,
                Ok(()) => match script.run(&mut *conn).await {
                    Ok(true) => continue,
                    Ok(false) => self.why_not(&mut *conn, *piece).await?,
                    Err(error) if Cause::of(&error) == Cause::Statement => refused(&error),
                    Err(error) => return Err(error),
                },
            };
            sqlx::query(frame.undo).execute(&mut *conn).await?;
            return Ok(Err(refusal));
        }
        Ok(Ok(()))
    }

    /// Why a piece changed fewer rows than it must.
    async fn why_not(
        &self,
        conn: &mut SqliteConnection,
        piece: Piece<'_>,
    ) -> Result<StoreError, sqlx::Error> {
        let (thread, seq) = match piece {
            Piece::Create { id, .. } => return Ok(StoreError::Conflict { thread: id }),
            Piece::Start(run) => return Ok(refused(&format!("run {} was started before", run.id))),
            Piece::Finish { id, .. } => return Ok(refused(&format!("run {id} was never started"))),
            Piece::Files { thread, .. } => {
                return Ok(refused(&format!("the files of thread {thread} are not a list")));
            }
            Piece::Delete(thread) => return Ok(StoreError::UnknownThread { thread }),
            Piece::Keep(answer) => return Ok(refused(&format!("answer {} was not kept", answer.id))),
            Piece::Remember(file) => return Ok(refused(&format!("file {} was not remembered", file.id))),
            Piece::Forget { id, .. } => return Ok(refused(&format!("file {id} was not forgotten"))),
            Piece::ForgetAnswers(_) => return Ok(refused(&"answers were not forgotten")),
            Piece::Turn { thread, turn } => (thread, turn.seq),
        };
        let row = sqlx::query(TURNS_OF_THREAD)
            .bind(&*self.who.tenant)
            .bind(&*self.who.owner)
            .bind(key(thread.as_uuid()))
            .bind(self.now.0)
            .fetch_optional(conn)
            .await?;
        let Some(row) = row else { return Ok(StoreError::UnknownThread { thread }) };
        let turns: i64 = row.try_get(0)?;
        Ok(if turns == i64::from(seq) {
            StoreError::Full { thread, limit: self.settings.max_turns }
        } else {
            StoreError::Conflict { thread }
        })
    }

    fn expiry(&self, at: Timestamp) -> i64 {
        at.plus_millis(millis(self.settings.thread_lifetime)).0
    }

    fn add(&self, script: &mut Script, piece: Piece<'_>) -> Result<(), StoreError> {
        let Identity { tenant, owner, .. } = self.who;
        match piece {
            Piece::Create { id, tool, title, at } => script
                .push(CREATE_THREAD, &[1])
                .bind(tenant.clone())
                .bind(owner.clone())
                .bind(key(id.as_uuid()))
                .bind(tool)
                .bind(title)
                .bind(at.0)
                .bind(at.0)
                .bind(self.expiry(at))
                .finish(),
            Piece::Turn { thread, turn } => script
                .push(APPEND_TURN, &[1, 1])
                .bind(turn.created_at.0)
                .bind(self.expiry(turn.created_at))
                .bind(tenant.clone())
                .bind(owner.clone())
                .bind(key(thread.as_uuid()))
                .bind(turn.seq)
                .bind(self.settings.max_turns)
                .bind(self.now.0)
                .bind(tenant.clone())
                .bind(owner.clone())
                .bind(key(thread.as_uuid()))
                .bind(turn.seq)
                .bind(turn.tool.as_str())
                .bind(turn.created_at.0)
                .bind(BODY_VERSION)
                .bind(json(&turn.body)?)
                .finish(),
            Piece::Files { thread, seq, files } => script
                .push(APPEND_FILES, &[files.len() as u64])
                .bind(tenant.clone())
                .bind(owner.clone())
                .bind(key(thread.as_uuid()))
                .bind(seq)
                .bind(json(&files)?)
                .finish(),
            Piece::Delete(thread) => {
                let mut binds = script.push_some(DELETE_THREAD, [None, None, Some(1)]);
                for _ in 0..3 {
                    binds = binds.bind(tenant.clone()).bind(owner.clone()).bind(key(thread.as_uuid()));
                }
                binds.finish()
            }
            Piece::Remember(file) => self.add_file(script, file),
            Piece::Forget { provider, id } => script
                .push_some(FORGET_FILE, [None])
                .bind(tenant.clone())
                .bind(owner.clone())
                .bind(provider.as_str())
                .bind(id)
                .finish(),
            Piece::ForgetAnswers(at) => {
                script.push(FORGET_ANSWERS, &[1]).bind(tenant.clone()).bind(owner.clone()).bind(at.0).finish()
            }
            Piece::Keep(answer) => self.add_answer(script, answer),
            Piece::Start(run) => self.add_start(script, run),
            Piece::Finish { id, state, at, outcome } => self.add_finish(script, id, state, at, outcome),
        }
    }

    fn add_file(&self, script: &mut Script, file: &UploadedFile) -> Result<(), StoreError> {
        let Identity { tenant, owner, .. } = self.who;
        script
            .push(REMEMBER_FILE, &[1])
            .bind(tenant.clone())
            .bind(owner.clone())
            .bind(file.provider.as_str())
            .bind(file.id.as_str())
            .bind(file.hash.as_str())
            .bind(file.name.as_str())
            .bind(count(file.bytes))
            .bind(file.uploaded_at.0)
            .finish()
    }

    fn add_answer(&self, script: &mut Script, answer: &KeptAnswer) -> Result<(), StoreError> {
        let Identity { tenant, owner, .. } = self.who;
        script
            .push(KEEP_ANSWER, &[1])
            .bind(tenant.clone())
            .bind(owner.clone())
            .bind(key(answer.id.as_uuid()))
            .bind(answer.thread.map(|thread| key(thread.as_uuid())))
            .bind(answer.tool.as_str())
            .bind(answer.state.as_str())
            .bind(answer.created_at.0)
            .bind(answer.updated_at.0)
            .bind(answer.deadline_at.0)
            .bind(answer.expires_at.0)
            .bind(answer.is_error)
            .bind(answer.text.as_str())
            .finish()
    }

    fn add_start(&self, script: &mut Script, run: &Run) -> Result<(), StoreError> {
        let Identity { tenant, owner, .. } = self.who;
        script
            .push(START_RUN, &[1])
            .bind(tenant.clone())
            .bind(owner.clone())
            .bind(key(run.id.as_uuid()))
            .bind(key(run.thread.as_uuid()))
            .bind(run.tool.as_str())
            .bind(run.request.0.as_slice())
            .bind(run.provider.as_str())
            .bind(run.model.as_str())
            .bind(run.state.as_str())
            .bind(run.started_at.0)
            .bind(run.deadline_at.0)
            .finish()
    }

    fn add_finish(
        &self,
        script: &mut Script,
        id: RunId,
        state: RunState,
        at: Timestamp,
        outcome: &RunOutcome,
    ) -> Result<(), StoreError> {
        script
            .push(FINISH_RUN, &[1, 1])
            .bind(state.as_str())
            .bind(at.0)
            .bind(json(outcome)?)
            .bind(self.who.tenant.clone())
            .bind(self.who.owner.clone())
            .bind(key(id.as_uuid()))
            .bind(at.day())
            .bind(count(outcome.usage.input_tokens))
            .bind(count(outcome.usage.output_tokens))
            .bind(count(outcome.usage.cached_input_tokens))
            .bind(count(outcome.usage.reasoning_tokens))
            .bind(outcome.usage.estimated)
            .bind(outcome.cost_usd)
            .bind(count(outcome.duration_ms))
            .bind(outcome.attempts)
            .bind(self.who.tenant.clone())
            .bind(self.who.owner.clone())
            .bind(key(id.as_uuid()))
            .finish()
    }
}
