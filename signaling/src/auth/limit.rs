//! Slows down guessing of passwords.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// Tries at once from one address at one account; after those, one every 12 s.
const PER_ACCOUNT: u32 = 5;
/// Tries at once from one address at any account; after those, one every 2 s. Many agents may share an address.
const PER_ADDRESS: u32 = 30;
/// Addresses and accounts remembered. Beyond that the server is being flooded and refuses logins from strangers.
const REMEMBERED_MAX: usize = 20_000;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;

/// Remembers tries in memory.
pub struct LoginLimit {
    accounts: Limiter<(IpAddr, String)>,
    addresses: Limiter<IpAddr>,
}

impl std::fmt::Debug for LoginLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginLimit").field("accounts", &self.accounts.len()).finish_non_exhaustive()
    }
}

impl Default for LoginLimit {
    fn default() -> Self {
        let quota = |burst: u32| Quota::per_minute(NonZeroU32::new(burst).expect("not zero"));
        Self {
            accounts: RateLimiter::hashmap(quota(PER_ACCOUNT)),
            addresses: RateLimiter::hashmap(quota(PER_ADDRESS)),
        }
    }
}

impl LoginLimit {
    /// Counts a try. When there were too many: seconds until the next one may work.
    pub fn check(&self, from: IpAddr, email: &str) -> Result<(), u64> {
        let wait =
            |until: governor::NotUntil<_>| until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
        if self.accounts.len().max(self.addresses.len()) >= REMEMBERED_MAX {
            self.accounts.retain_recent();
            self.addresses.retain_recent();
            if self.accounts.len().max(self.addresses.len()) >= REMEMBERED_MAX {
                return Err(60);
            }
        }
        self.addresses.check_key(&from).map_err(wait)?;
        self.accounts.check_key(&(from, email.to_lowercase())).map_err(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_try_at_one_account_has_to_wait_and_others_do_not() {
        let limit = LoginLimit::default();
        let here = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..PER_ACCOUNT {
            assert_eq!(limit.check(here, "a@example.com"), Ok(()));
        }
        let wait = limit.check(here, "A@example.com").unwrap_err();
        assert!((1..=13).contains(&wait), "{wait} s");
        assert_eq!(limit.check(here, "b@example.com"), Ok(()));
        assert_eq!(limit.check(IpAddr::from([192, 0, 2, 2]), "a@example.com"), Ok(()));
    }
}
