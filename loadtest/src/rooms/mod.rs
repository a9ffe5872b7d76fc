//! `loadtest rooms`: people log in, wait, are matched, talk and hang up, and what they hear and see is measured.

pub mod options;
pub mod people;
pub mod samples;
pub mod scene;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::options::Options;
use self::samples::{Moment, Sample, Taken};
use self::scene::{Errors, FirstFrame, Part, Phase, Scene};
use crate::caller::engine::{Engine, EngineSettings};
use crate::caller::person::SetUp;
use crate::installation::Installation;
use crate::measure::Measures;
use crate::network::Trace;
use crate::progress::Progress;

/// Members of staff who log in at the same time.
const LOGINS_AT_ONCE: usize = 4;
/// People who have not come after this time do not come.
const ARRIVAL_MAX: Duration = Duration::from_secs(60);
/// Hanging up and wrapping up take at most this long.
const ENDING_MAX: Duration = Duration::from_secs(20);

/// What a run gives.
pub struct Outcome {
    /// How it was started.
    pub options: Options,
    /// What receivers found out.
    pub measures: Measures,
    /// Before anybody came.
    pub idle: Moment,
    /// While it was measured.
    pub taken: Taken,
    /// At the end of it.
    pub busy: Moment,
    /// Rooms that talked then.
    pub rooms: usize,
    /// People whose media was connected then.
    pub participants: usize,
    /// When the run began: the zero of `samples`.
    pub begun: Instant,
    /// One a second.
    pub samples: Vec<Sample>,
    /// When the measuring began and ended, seconds since the run began.
    pub measured_s: (f64, f64),
    /// First pictures.
    pub first_frames: Vec<FirstFrame>,
    /// How long people took to connect.
    pub set_ups: Vec<(Part, SetUp)>,
    /// What went wrong.
    pub errors: BTreeMap<String, Errors>,
    /// Packets in bad networks, and those lost there.
    pub network: Option<(u64, u64)>,
    /// Somebody ended it before its time.
    pub interrupted: bool,
}

/// Runs rooms. `stop` ends the run early, in good order.
pub async fn run(options: &Options, progress: &Progress, stop: impl Future<Output = ()>) -> Result<Outcome> {
    let trace = options.trace.as_deref().map(Trace::load).transpose()?;
    ensure!(options.ramp > 0.0, "--ramp: more than 0 buyers a second");
    more_files();
    let installation =
        Installation::open(&options.remote, options.staff(), options.pin, |text| progress.show(text)).await?;
    let rest = installation.rest(0)?;
    let idle = Moment::now(&installation, &rest).await;
    let handicap = Duration::from_secs_f64(options.handicap_ms.max(0.0) / 1000.0);
    let engine = Engine::start(EngineSettings { handicap })?;
    let scene = Arc::new(Scene::new(installation, engine, options.clone(), trace)?);
    let mut run = Run {
        scene,
        progress,
        begun: Instant::now(),
        last: Moment::quick_of(&idle),
        samples: Vec::new(),
        people: JoinSet::new(),
        interrupted: false,
    };
    tokio::pin!(stop);
    run.arrive(&mut stop).await?;
    run.wait(Duration::from_secs(options.settle.into()), "settling", &mut stop).await;
    let from = Moment::now(&run.scene.installation, &rest).await;
    run.scene.engine.measure(true);
    run.scene.begin_traces();
    let measured_from = run.begun.elapsed().as_secs_f64();
    run.wait(options.duration(), "measuring", &mut stop).await;
    run.scene.engine.measure(false);
    let measured_to = run.begun.elapsed().as_secs_f64();
    let busy = Moment::now(&run.scene.installation, &rest).await;
    let rooms = run.scene.talking.load(Ordering::Relaxed);
    let participants = run.scene.connected.load(Ordering::Relaxed) - run.scene.failed.load(Ordering::Relaxed);
    let network = options.trace.as_ref().map(|_| run.scene.network_losses());
    run.end().await;
    let Run { scene, samples, interrupted, people, begun, .. } = run;
    drop(people);
    let (first_frames, set_ups, errors) = (scene.first_frames(), scene.set_ups(), scene.errors());
    let scene = Arc::into_inner(scene).context("somebody is still here")?;
    let (mut installation, engine) = scene.into_parts();
    let measures = engine.finish().await?;
    if let Some(own) = &mut installation.own {
        progress.show("stopping the server");
        let _ = timeout(ENDING_MAX, own.terminate()).await;
    }
    progress.clear();
    Ok(Outcome {
        options: options.clone(),
        measures,
        taken: Taken::between(&from, &busy),
        idle,
        busy,
        rooms,
        participants,
        begun,
        samples,
        measured_s: (measured_from, measured_to),
        first_frames,
        set_ups,
        errors,
        network,
        interrupted,
    })
}

struct Run<'a> {
    scene: Arc<Scene>,
    progress: &'a Progress,
    begun: Instant,
    last: Moment,
    samples: Vec<Sample>,
    people: JoinSet<()>,
    interrupted: bool,
}

impl Moment {
    /// The same moment without what is large.
    fn quick_of(moment: &Moment) -> Moment {
        Moment { metrics: None, ..moment.clone() }
    }
}

impl Run<'_> {
    /// Staff first, then the buyers one after the other, until everybody talks or it is clear that they will not.
    async fn arrive(&mut self, stop: &mut (impl Future<Output = ()> + Unpin)) -> Result<()> {
        let scene = Arc::clone(&self.scene);
        let options = scene.options.clone();
        let (rooms, staff) = (usize::from(options.rooms), options.staff());
        let all = staff.agents + staff.supervisors;
        for number in 0..all {
            while number >= LOGINS_AT_ONCE + scene.ready.load(Ordering::Relaxed) + self.failed() {
                self.wait(Duration::from_millis(20), "staff log in", stop).await;
                if self.interrupted {
                    return Ok(());
                }
            }
            if number < staff.agents {
                self.people.spawn(people::agent(Arc::clone(&scene), number));
            } else {
                self.people.spawn(people::supervisor(Arc::clone(&scene), number - staff.agents));
            }
        }
        let mut until = Instant::now() + ARRIVAL_MAX;
        while scene.ready.load(Ordering::Relaxed) + self.failed() < all && Instant::now() < until {
            self.wait(Duration::from_millis(50), "staff log in", stop).await;
        }
        if scene.ready.load(Ordering::Relaxed) == 0 && !self.interrupted {
            let errors = scene.errors();
            let first = errors.values().flat_map(|it| &it.examples).next();
            bail!("no member of staff could log in: {}", first.map_or("no answer", |it| it));
        }
        let begun = Instant::now();
        for number in 0..rooms {
            let due = begun + Duration::from_secs_f64(number as f64 / options.ramp);
            self.wait(due.saturating_duration_since(Instant::now()), "buyers come", stop).await;
            if self.interrupted {
                return Ok(());
            }
            self.people.spawn(people::buyer(Arc::clone(&scene), number));
        }
        until = Instant::now() + ARRIVAL_MAX;
        while scene.talking.load(Ordering::Relaxed) + self.failed() < rooms
            && Instant::now() < until
            && !self.interrupted
        {
            self.wait(Duration::from_millis(50), "buyers come", stop).await;
        }
        Ok(())
    }

    fn failed(&self) -> usize {
        self.scene.failed.load(Ordering::Relaxed)
    }

    /// Waits, with an eye on everything.
    async fn wait(&mut self, duration: Duration, what: &str, stop: &mut (impl Future<Output = ()> + Unpin)) {
        let until = Instant::now() + duration;
        while !self.interrupted {
            self.sample(what, until);
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return;
            }
            tokio::select! {
                () = sleep(rest.min(Duration::from_millis(100))) => {}
                () = &mut *stop => {
                    self.interrupted = true;
                    self.progress.say("ending early, as told; what was measured is reported");
                }
            }
        }
    }

    fn sample(&mut self, what: &str, until: Instant) {
        if self.last.at.elapsed() < Duration::from_secs(1) {
            return;
        }
        let now = Moment::quick(&self.scene.installation);
        let taken = Taken::between(&self.last, &now);
        let sample = Sample {
            at_s: self.begun.elapsed().as_secs_f64(),
            rooms: self.scene.talking.load(Ordering::Relaxed),
            connected: self.scene.connected.load(Ordering::Relaxed),
            server_cores: taken.server_cores(),
            server_rss: now.server.map(|it| it.rss_bytes),
            caller_cores: taken.caller_cores(),
            other_cores: taken.other_cores(),
        };
        self.last = now;
        self.samples.push(sample);
        self.progress.show(&self.line(what, &sample, until.saturating_duration_since(Instant::now())));
    }

    fn line(&self, what: &str, sample: &Sample, left: Duration) -> String {
        let mut line = format!("{what}: {} of {} rooms talk", sample.rooms, self.scene.options.rooms);
        if let Some(cores) = sample.server_cores {
            line += &format!(" · server {:.0} % of a core", cores * 100.0);
        }
        line += &format!(" · callers {:.0} %", sample.caller_cores * 100.0);
        if let Some(second) = self.scene.engine.last_second() {
            if let Some((_, p95)) = second.added_us {
                line += &format!(" · added delay p95 {:.1} ms", p95 as f64 / 1000.0);
            }
            line += &format!(" · frozen {:.1} %", second.counts.freeze_ratio() * 100.0);
        }
        let errors: u64 = self.scene.errors().values().map(|it| it.count).sum();
        if errors > 0 {
            line += &format!(" · {errors} errors");
        }
        if left > Duration::from_secs(1) {
            line += &format!(" · {} s left", left.as_secs());
        }
        line
    }

    /// Buyers hang up, agents wrap up, everybody goes.
    async fn end(&mut self) {
        self.progress.show("hanging up");
        self.scene.enter(Phase::Ending);
        let until = Instant::now() + ENDING_MAX;
        while self.scene.talking.load(Ordering::Relaxed) > 0 && Instant::now() < until {
            sleep(Duration::from_millis(50)).await;
        }
        self.scene.enter(Phase::Leaving);
        let everybody = async { while self.people.join_next().await.is_some() {} };
        if timeout(ENDING_MAX, everybody).await.is_err() {
            self.scene.error("hung", "somebody did not leave in time".to_owned());
            self.people.shutdown().await;
        }
    }
}

/// Each person takes two sockets, each of their networks two more.
fn more_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
