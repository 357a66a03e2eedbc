//! How each change becomes SQL.
//!
//! A statement costs more on its way to the connection's thread and back than in SQLite, so the statements of a batch travel
//! together as one script of fixed texts. Each statement knows how many rows it must change; when one changes fewer, the batch is
//! taken back and gone through again piece by piece, to tell which piece could not be made and why.

mod holds;
mod runs;

use exai_core::{
    HoldId, Identity, ProviderId, RunId, ThreadId, Timestamp,
    answer::KeptAnswer,
    files::UploadedFile,
    run::{Attempt, Run},
    store::{Hold, StoreError, Write},
    thread::{BODY_VERSION, FileRef, Turn, TurnBody},
};
use sqlx::{Row, SqliteConnection};

pub(crate) use super::script::Frame;
use super::{
    Settings,
    error::Cause,
    script::{Script, count, json, key, refused},
    settings::millis,
    statements::{
        APPEND_FILES, APPEND_TURN, CREATE_THREAD, DELETE_THREAD, FORGET_ANSWERS, FORGET_FILE, KEEP_ANSWER,
        REMEMBER_FILE, TURNS_OF_THREAD,
    },
};

/// The most pieces of one script. Scripts of usual batches are few and stay prepared; a long append is cut into equal ones.
const PIECES: usize = 8;

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
    Hold(&'a Hold),
    Release(HoldId),
    Start(&'a Run),
    Record(&'a Run),
    Orphan(RunId),
    Attempt { run: RunId, attempt: &'a Attempt },
}

/// Whether the thread of a run, if it has one, is sure to be there when the batch has been made.
fn has_thread(writes: &[Write], run: &Run) -> bool {
    let adds =
        |write: &Write| matches!(write, Write::AppendTurns { thread, .. } if run.thread == Some(*thread));
    run.thread.is_none() || writes.iter().any(adds)
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
                        TurnBody::Message(message) if !message.files.is_empty() => {
                            pieces.push(Piece::Files {
                                thread: *thread,
                                seq: turn.seq,
                                files: &message.files,
                            });
                        }
                        TurnBody::Message(_)
                        | TurnBody::Step(_)
                        | TurnBody::Answer(_)
                        | TurnBody::Opinion(_) => {}
                    }
                }
            }
            Write::DeleteThread(id) => pieces.push(Piece::Delete(*id)),
            Write::KeepAnswer(answer) => pieces.push(Piece::Keep(answer)),
            Write::RememberFile(file) => pieces.push(Piece::Remember(file)),
            Write::ForgetFile { provider, id } => pieces.push(Piece::Forget { provider, id }),
            Write::ForgetAnswers { at } => pieces.push(Piece::ForgetAnswers(*at)),
            Write::Hold(hold) => pieces.push(Piece::Hold(hold)),
            Write::Release(id) => pieces.push(Piece::Release(*id)),
            Write::StartRun(run) => pieces.push(Piece::Start(run)),
            Write::RecordRun { run, attempts } => {
                pieces.push(Piece::Record(run));
                // A turn that the same batch adds to the thread is refused when there is none.
                pieces.extend((!has_thread(writes, run)).then_some(Piece::Orphan(run.id)));
                pieces.extend(attempts.iter().map(|attempt| Piece::Attempt { run: run.id, attempt }));
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
            Piece::Start(run) | Piece::Record(run) => {
                return Ok(refused(&format!("run {} was not recorded", run.id)));
            }
            Piece::Orphan(run) | Piece::Attempt { run, .. } => {
                return Ok(refused(&format!("what belongs to run {run} was not recorded")));
            }
            Piece::Files { thread, .. } => {
                return Ok(refused(&format!("the files of thread {thread} are not a list")));
            }
            Piece::Delete(thread) => return Ok(StoreError::UnknownThread { thread }),
            Piece::Keep(answer) => return Ok(refused(&format!("answer {} was not kept", answer.id))),
            Piece::Remember(file) => return Ok(refused(&format!("file {} was not remembered", file.id))),
            Piece::Forget { id, .. } => return Ok(refused(&format!("file {id} was not forgotten"))),
            Piece::ForgetAnswers(_) => return Ok(refused(&"answers were not forgotten")),
            Piece::Hold(hold) => return holds::why_not(conn, self.who, hold).await,
            Piece::Release(id) => return Ok(refused(&format!("hold {id} was not released"))),
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
            Piece::Hold(hold) => holds::hold(script, self.who, hold, self.now),
            Piece::Release(id) => holds::release(script, self.who, id),
            Piece::Start(run) => runs::start(script, self.who, run),
            Piece::Record(run) => runs::record(script, self.who, run),
            Piece::Orphan(run) => runs::orphan(script, self.who, run),
            Piece::Attempt { run, attempt } => runs::attempt(script, self.who, run, attempt),
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
}
