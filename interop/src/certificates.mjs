// The lab's certificates: one authority that is trusted, one that is not, and what they signed.

import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { labFolder, runId } from './lab.mjs';

const folder = path.join(labFolder, 'certificates', runId);
const names = 'DNS:localhost,DNS:lab.test,DNS:xmpp.test,IP:127.0.0.1,IP:::1,IP:10.77.0.1,IP:127.0.0.5';

function openssl(...args) {
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
}

function authority(name) {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '30', '-subj', `/CN=${name}`,
    '-addext', 'basicConstraints=critical,CA:TRUE');
}

function signed(name, by, alternatives) {
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
  const file = path.join(folder, `${name}.ext`);
  fs.writeFileSync(file, `subjectAltName=${alternatives}\nbasicConstraints=CA:FALSE\n`
    + 'extendedKeyUsage=serverAuth,clientAuth\n');
  openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`, '-CAkey', `${by}.key`,
    '-CAcreateserial', '-out', `${name}.pem`, '-days', '30', '-extfile', `${name}.ext`);
  return { certificate: path.join(folder, `${name}.pem`), key: path.join(folder, `${name}.key`) };
}

let made = null;

/**
 * The run's certificates: `ca` and `otherCa` (files), `server` for every address of the lab,
 * `stranger` for another name; each made once a run.
 */
export async function certificates() {
  if (made) return made;
  fs.mkdirSync(folder, { recursive: true });
  authority('lab-ca');
  authority('other-ca');
  made = {
    ca: path.join(folder, 'lab-ca.pem'),
    otherCa: path.join(folder, 'other-ca.pem'),
    server: signed('server', 'lab-ca', names),
    stranger: signed('stranger', 'lab-ca', 'DNS:stranger.invalid'),
  };
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  return made;
}
