//! How good a voice would be judged: the E-model of ITU-T G.107, simplified. An estimate, not a listening test.
//!
//! `R = 93.2 − Id − Ie,eff`. `Id` is that of Cole and Rosenbluth ("Voice over IP performance monitoring", 2001), an
//! approximation of G.107's for echo-free connections: `0.024 d + 0.11 (d − 177.3)` above 177.3 ms of delay from mouth to
//! ear. `Ie,eff = 95 · Ppl / (Ppl / BurstR + Bpl)` (G.107 §7.2) with `Ie` = 0 for Opus at 32 kbit/s and `Bpl` = 25.1, the value
//! of G.113 for a codec with concealment (G.711 with appendix I); none has been published for Opus. MOS from R is G.107
//! annex B. So the best value is 4.4: the narrow band's scale, on which wideband is no better.

/// Loss robustness, G.113.
const BPL: f64 = 25.1;

/// MOS, 1–4.5, of sound with this delay from mouth to ear, share lost (0–1) and mean length of losses relative to losses by
/// chance (1: by chance, more: in bursts).
pub fn mos(mouth_to_ear_ms: f64, lost: f64, burst_ratio: f64) -> f64 {
    let late = (mouth_to_ear_ms - 177.3).max(0.0);
    let delay_impairment = 0.024 * mouth_to_ear_ms + 0.11 * late;
    let percent = 100.0 * lost.clamp(0.0, 1.0);
    let loss_impairment = 95.0 * percent / (percent / burst_ratio.max(1.0) + BPL);
    let r = 93.2 - delay_impairment - loss_impairment;
    if r <= 0.0 {
        return 1.0;
    }
    let r = r.min(100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

/// Ratio of the mean length of runs of losses to that of losses by chance (G.107 §7.2.1).
pub fn burst_ratio(expected: u64, lost: u64, runs: u64) -> f64 {
    if lost == 0 || runs == 0 || expected <= lost {
        return 1.0;
    }
    let share = lost as f64 / expected as f64;
    (lost as f64 / runs as f64 * (1.0 - share)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_points_of_the_model_are_met() {
        assert!((4.35..4.45).contains(&mos(50.0, 0.0, 1.0)), "{}", mos(50.0, 0.0, 1.0));
        // G.114: 400 ms is where most calls become unacceptable; R falls to about 59.
        assert!((2.9..3.2).contains(&mos(400.0, 0.0, 1.0)), "{}", mos(400.0, 0.0, 1.0));
        assert!((3.7..4.1).contains(&mos(50.0, 0.05, 1.0)), "{}", mos(50.0, 0.05, 1.0));
        assert!(mos(50.0, 0.05, 4.0) < mos(50.0, 0.05, 1.0), "bursts are worse");
        assert_eq!(mos(5000.0, 0.5, 1.0), 1.0);
    }

    #[test]
    fn losses_by_chance_have_the_ratio_one() {
        assert_eq!(burst_ratio(1000, 0, 0), 1.0);
        assert_eq!(burst_ratio(1000, 100, 100), 1.0);
        assert!((4.4..4.6).contains(&burst_ratio(1000, 100, 20)));
    }
}
