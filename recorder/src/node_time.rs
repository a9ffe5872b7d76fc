//! How a [`NodeTime`] is written in manifests: microseconds since the Unix epoch.

use serde::{Deserialize, Deserializer, Serializer};
use sfu::NodeTime;

pub(crate) fn serialize<S: Serializer>(time: &NodeTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.0)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NodeTime, D::Error> {
    u64::deserialize(deserializer).map(NodeTime)
}
