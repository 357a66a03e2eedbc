//! exai-mcp
