//! Formats of requests and answers. One format so far: OpenAI's chat completions, as everyone speaks them.

pub(crate) mod chat_completions;
mod lines;
mod think_tags;
