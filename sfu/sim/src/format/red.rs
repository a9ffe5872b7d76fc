//! Redundant audio (RFC 2198).
//!
//! ```text
//! |F=1| block PT | timestamp offset (14) | block length (10) |  one a redundant block
//! |F=0| block PT |
//! ```

/// One block: how much older than the packet's timestamp it is, and its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// In timestamp units; 0 for the primary block.
    pub older_by: u32,
    /// An Opus frame.
    pub payload: Vec<u8>,
}

/// Older blocks first, then the primary one. Blocks that do not fit their fields are left out.
pub fn write(payload_type: u8, older: &[Block], primary: &[u8]) -> Vec<u8> {
    let fits = |block: &&Block| block.older_by < 1 << 14 && block.payload.len() < 1 << 10;
    let mut out = Vec::new();
    for block in older.iter().filter(fits) {
        out.push(0x80 | payload_type);
        let rest = block.older_by << 10 | block.payload.len() as u32;
        out.extend_from_slice(&rest.to_be_bytes()[1..]);
    }
    out.push(payload_type);
    for block in older.iter().filter(fits) {
        out.extend_from_slice(&block.payload);
    }
    out.extend_from_slice(primary);
    out
}

/// The blocks of a payload, the primary one last.
pub fn read(payload: &[u8]) -> Option<Vec<Block>> {
    let mut rest = payload;
    let mut heads = Vec::new();
    loop {
        let (&head, tail) = rest.split_first()?;
        if head & 0x80 == 0 {
            rest = tail;
            break;
        }
        let (fields, tail) = tail.split_first_chunk::<3>()?;
        let word = u32::from_be_bytes([0, fields[0], fields[1], fields[2]]);
        heads.push((word >> 10, (word & 0x3ff) as usize));
        rest = tail;
    }
    let mut blocks = Vec::new();
    for (older_by, len) in heads {
        let (payload, tail) = rest.split_at_checked(len)?;
        blocks.push(Block { older_by, payload: payload.to_vec() });
        rest = tail;
    }
    blocks.push(Block { older_by: 0, payload: rest.to_vec() });
    Some(blocks)
}
