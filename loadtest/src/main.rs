//! `loadtest`: bad networks to put between a client and the server.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use loadtest::network::{Command, Named, Proxy, ProxyConfig, Trace};
use tokio::sync::mpsc;

/// Tools around Vitrine that are no part of the server.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Subcommand)]
enum Tool {
    /// Lists the networks that have a name
    Traces,
    /// Plays a bad network between a client and a server
    Proxy {
        /// Name of a network (see `loadtest traces`) or path of a trace file
        #[arg(long)]
        trace: String,
        /// One seed, one run
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where the client sends UDP to; port 0 takes a free one
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Where it goes on to
        #[arg(long)]
        to: SocketAddr,
        /// Where the client connects with TCP to
        #[arg(long, requires = "tcp_to")]
        tcp_listen: Option<SocketAddr>,
        /// Where that goes on to
        #[arg(long, requires = "tcp_listen")]
        tcp_to: Option<SocketAddr>,
        /// Takes commands on standard input (`begin`, `set both.rate_kbps = 300`, `rebind`, `report`), answers in JSON, and
        /// ends with it. The trace stays at its first moment until `begin`.
        #[arg(long)]
        control: bool,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Arguments::parse().tool {
        Tool::Traces => {
            for named in Named::all() {
                println!("{:<16} {}", named.name, named.trace().about);
            }
            Ok(())
        }
        Tool::Proxy { trace, seed, listen, to, tcp_listen, tcp_to, control } => {
            let trace = Trace::load(&trace)?;
            let tcp = tcp_listen.zip(tcp_to);
            let config = ProxyConfig { trace, seed, listen, to, tcp, hold: control };
            let proxy = Proxy::start(config).await?;
            println!("{}", serde_json::json!({ "udp": proxy.udp, "tcp": proxy.tcp }));
            if control { obey(&proxy).await } else { until_stopped(proxy).await }
        }
    }
}

/// Does what standard input says, until it ends.
async fn obey(proxy: &Proxy) -> Result<()> {
    let (lines, mut commands) = mpsc::channel(16);
    // Reading standard input blocks; the process ends with it, whatever this thread waits for.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = commands.recv().await {
        let answer = match line.parse::<Command>().and_then(|command| proxy.command(command)) {
            Ok(report) => serde_json::to_string(&report)?,
            Err(error) => serde_json::json!({ "error": format!("{error:#}") }).to_string(),
        };
        println!("{answer}");
    }
    Ok(())
}

async fn until_stopped(mut proxy: Proxy) -> Result<()> {
    tokio::select! {
        () = proxy.ended() => Ok(()),
        stopped = tokio::signal::ctrl_c() => stopped.context("waiting for the signal to stop"),
    }
}
