//! Ways in for programs that attack the node on purpose (`fuzz/`): the handshake is left out, everything behind it is
//! real.

use std::sync::Arc;
use std::time::Instant;

use rtc_crypto::RTCCryptoProvider;

use super::{Epoch, Node, NodeConfig};
use crate::ids::{ParticipantId, WorkerId};
use crate::path::Path;
use crate::transport::dtls::Identity;
use crate::transport::srtp::{SrtpPair, SrtpProfile};

impl NodeConfig {
    /// A node without candidates and without luck: the same seed each time.
    pub fn bare(identity: Identity, epoch: Epoch, crypto: Arc<dyn RTCCryptoProvider>) -> Self {
        Self { identity, worker: WorkerId(0), candidates: Vec::new(), seed: 7, epoch, crypto }
    }
}

impl Node {
    /// Takes a participant as connected over `path` with keys from `material`, without ICE and DTLS.
    ///
    /// # Panics
    /// If nobody of this id has joined, or the material does not fit the profile.
    pub fn connect_at_once(
        &mut self,
        now: Instant,
        who: ParticipantId,
        path: Path,
        profile: SrtpProfile,
        material: &[u8],
    ) {
        let key = self.by_id.get(&who).copied().expect("the participant has joined");
        let srtp = SrtpPair::server(profile, material).expect("the material fits the profile");
        self.participants[key].transport.connect_at_once(now, path, srtp);
        self.by_path.insert(path, key);
        self.settle(now, key);
    }
}
