//! Headless callers that speak the public protocol.
