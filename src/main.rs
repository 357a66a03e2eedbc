//! exai-mcp
fn main() {}
