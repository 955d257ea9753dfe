/** `run --emit systemd`: a unit for a machine without containers. */
import { type Deployment, environmentOf, runOptions, serviceName, stopSeconds } from './deployment.ts';

export function systemdManifest(deployment: Deployment): string {
  const name = serviceName(deployment);
  const environment = environmentOf(deployment, `/etc/semilayer/${name}.token`);
  const command = [...deployment.self, 'run', ...runOptions(deployment)]
    .map(one => word(one).replaceAll('$', '$$$$'))
    .join(' ');
  return `# /etc/systemd/system/${name}.service; then: systemctl daemon-reload && systemctl enable --now ${name}
# The token goes into /etc/semilayer/${name}.token, readable by the group semilayer alone:
#   useradd --system --no-create-home semilayer; install -D -g semilayer -m 0640 token /etc/semilayer/${name}.token
[Unit]
Description=SemiLayer runner ${unitText(deployment.runnerId)}
Wants=network-online.target
After=network-online.target

[Service]
# Ready means connected to the gateway; until then the unit is starting, for as long as that takes.
Type=notify
NotifyAccess=all
TimeoutStartSec=infinity
WatchdogSec=60
ExecStart=${command}
${environment.map(([variable, value]) => `Environment=${word(`${variable}=${value}`)}`).join('\n')}
# Credentials of runner-local sources: SEMILAYER_SOURCE_<NAME>_URL=…
EnvironmentFile=-/etc/semilayer/${name}.env
User=semilayer
Group=semilayer
KillMode=mixed
KillSignal=SIGTERM
# Longer than --grace-period: jobs under way end by themselves.
TimeoutStopSec=${stopSeconds(deployment)}
Restart=always
RestartSec=2
# Refused, or configured wrongly: starting it again changes nothing.
RestartPreventExitStatus=77 2 4

CapabilityBoundingSet=
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
StateDirectory=semilayer
StateDirectoryMode=0700
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077
MemoryMax=512M

[Install]
WantedBy=multi-user.target
`;
}

/** A word of a unit's line, `%` not taken for a specifier. */
function word(text: string): string {
  const escaped = unitText(text);
  return /^[\w@%+=:,./$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, '\\$&')}"`;
}

function unitText(text: string): string {
  return text.replaceAll('%', '%%');
}
