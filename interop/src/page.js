// Runs in every page of the lab before anything else: keeps hold of the peer connections that the
// page makes, so that the lab can hear what they receive without knowing who made them.

(() => {
  const lab = { connections: [], ears: [], errors: [] };
  window.lab = lab;

  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...args) {
      super(...args);
      lab.connections.push(this);
    }
  };

  // Which codes the gateway closed sockets with.
  lab.closes = [];
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...args) {
      super(...args);
      this.addEventListener('close', ({ code }) => lab.closes.push(code));
    }
  };

  /** A camera of this page's own, whose picture has one colour: [red, green, blue]. */
  lab.paint = ([red, green, blue]) => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 160, height: 120 });
    const brush = canvas.getContext('2d');
    let turn = 0;
    const draw = () => {
      turn += 1;
      brush.fillStyle = `rgb(${red}, ${green}, ${blue})`;
      brush.fillRect(0, 0, 160, 120);
      // Something that moves in a corner: a picture that never changes is not sent again.
      brush.fillStyle = 'gray';
      brush.fillRect(turn % 8, 0, 4, 4);
    };
    draw();
    setInterval(draw, 100);
    return canvas.captureStream(10);
  };

  /** The colour in the middle of what the latest connection shows; null where nothing moves. */
  lab.see = async (ms = 3000) => {
    const shown = lab.connection()?.getTransceivers().filter((t) => (
      t.receiver.track.kind === 'video' && /sendrecv|recvonly/.test(t.currentDirection)));
    if (!shown?.length) return null;
    const player = document.createElement('video');
    player.muted = true;
    player.srcObject = new MediaStream(shown.map((t) => t.receiver.track));
    player.play().catch((error) => lab.errors.push(String(error)));
    let fresh = 0;
    const frame = () => {
      fresh += 1;
      player.requestVideoFrameCallback(frame);
    };
    player.requestVideoFrameCallback(frame);
    const end = performance.now() + ms;
    // The first frame may be an old one; some more prove that they come.
    while (fresh < 4 && performance.now() < end) await new Promise((r) => setTimeout(r, 50));
    if (fresh < 4) return null;
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 16, height: 16 });
    const brush = canvas.getContext('2d');
    brush.drawImage(player, 0, 0, 16, 16);
    player.srcObject = null;
    return [...brush.getImageData(8, 8, 1, 1).data].slice(0, 3);
  };

  /** The latest connection that is not closed. */
  lab.connection = () => lab.connections.filter((c) => c.signalingState !== 'closed').at(-1);

  /** Makes the microphone a tone of this page's own, in bursts of 0.4 s every 0.5 s. */
  lab.sing = (hz) => {
    navigator.mediaDevices.getUserMedia = async () => {
      const context = new AudioContext({ sampleRate: 48000 });
      await context.resume();
      const buffer = context.createBuffer(1, 48000 * 10, 48000);
      const data = buffer.getChannelData(0);
      for (let i = 0; i < data.length; i += 1) {
        const phase = (i / 48000) % 0.5;
        const edge = Math.max(0, Math.min(1, Math.min(phase, 0.4 - phase) / 0.01));
        data[i] = 0.5 * edge * Math.sin((2 * Math.PI * hz * i) / 48000);
      }
      const source = new AudioBufferSourceNode(context, { buffer, loop: true });
      const sink = context.createMediaStreamDestination();
      source.connect(sink);
      source.start();
      return sink.stream;
    };
  };

  /** Begins to record what the latest connection receives; whatever was recorded is forgotten. */
  lab.listen = async () => {
    for (const ear of lab.ears.splice(0)) ear.close();
    const connection = lab.connection();
    if (!connection) throw new Error('the page has no open RTCPeerConnection');
    const track = connection.getReceivers().map((r) => r.track).find((t) => t.kind === 'audio');
    if (!track) throw new Error('the page receives no audio track');
    const stream = new MediaStream([track]);
    // Chromium decodes a remote track only while some element plays it.
    const player = new Audio();
    player.muted = true;
    player.srcObject = stream;
    player.play().catch((error) => lab.errors.push(String(error)));
    const context = new AudioContext({ sampleRate: 48000 });
    await context.resume();
    const source = context.createMediaStreamSource(stream);
    const tap = context.createScriptProcessor(4096, 1, 1);
    const chunks = [];
    tap.onaudioprocess = (event) => chunks.push(event.inputBuffer.getChannelData(0).slice());
    source.connect(tap);
    tap.connect(context.destination);
    lab.ears.push({
      chunks,
      close() {
        source.disconnect();
        tap.disconnect();
        player.srcObject = null;
        context.close();
      },
    });
  };

  /** What was recorded since `listen`, as base64 of 16-bit samples at 48 kHz. */
  lab.heard = () => {
    const chunks = lab.ears.at(-1)?.chunks ?? [];
    const bytes = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0) * 2);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const chunk of chunks) {
      for (const x of chunk) {
        view.setInt16(at, Math.max(-1, Math.min(1, x)) * 32767, true);
        at += 2;
      }
    }
    let text = '';
    for (let i = 0; i < bytes.length; i += 8192) {
      text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    }
    return btoa(text);
  };

  /** What the latest connection says of itself. */
  lab.state = async () => {
    const connection = lab.connection();
    if (!connection) return null;
    const stats = [...(await connection.getStats()).values()];
    const transport = stats.find((s) => s.type === 'transport');
    const pair = stats.find((s) => s.id === transport?.selectedCandidatePairId);
    const end = (id) => {
      const c = stats.find((s) => s.id === id);
      return c && `${c.protocol} ${c.address}:${c.port} ${c.candidateType}`;
    };
    const inbound = stats.find((s) => s.type === 'inbound-rtp' && s.kind === 'audio');
    const outbound = stats.find((s) => s.type === 'outbound-rtp' && s.kind === 'audio');
    const codec = stats.find((s) => s.id === inbound?.codecId);
    const pictures = (type) => stats.filter((s) => s.type === type && s.kind === 'video');
    const sections = (d) => (d?.sdp ?? '').split(/^(?=m=)/m).slice(1)
      .map((m) => `${/^m=(\w+)/.exec(m)[1]} ${/^a=mid:(\S+)/m.exec(m)?.[1]}`);
    const ufrag = (d) => /a=ice-ufrag:(\S+)/.exec(d?.sdp ?? '')?.[1] ?? null;
    return {
      signaling: connection.signalingState,
      ice: connection.iceConnectionState,
      connection: connection.connectionState,
      dtls: transport?.dtlsState ?? null,
      pair: pair ? { id: pair.id, local: end(pair.localCandidateId),
        remote: end(pair.remoteCandidateId) } : null,
      localUfrag: ufrag(connection.currentLocalDescription),
      remoteUfrag: ufrag(connection.currentRemoteDescription),
      codec: codec?.mimeType ?? null,
      energy: inbound?.totalAudioEnergy ?? 0,
      received: inbound?.packetsReceived ?? 0,
      sent: outbound?.packetsSent ?? 0,
      decoded: pictures('inbound-rtp').reduce((sum, s) => sum + (s.framesDecoded ?? 0), 0),
      encoded: pictures('outbound-rtp').reduce((sum, s) => sum + (s.framesEncoded ?? 0), 0),
      sections: sections(connection.currentLocalDescription),
      theirSections: sections(connection.currentRemoteDescription),
      directions: connection.getTransceivers().map((t) => t.currentDirection),
    };
  };
})();
