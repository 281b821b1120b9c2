// Reads the code on a card: by the browser's own reader where it has one, else by one that is loaded now.
"use strict";

const scanner = document.getElementById("scanner");
const picture = document.getElementById("scan-picture");
const said = document.getElementById("scan-said");
const starter = document.getElementById("scan-start");
const EVERY = 200; // milliseconds between two looks
let reading = null; // what reads, once it is there

scanner.hidden = false;
if (!navigator.mediaDevices?.getUserMedia) starter.hidden = true;

function say(text) {
  said.textContent = text;
}

// An array of texts, of a video or a picture.
async function reader() {
  const wanted = ["code_128", "code_39", "qr_code", "data_matrix", "itf", "ean_13"];
  const own = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats() : [];
  if (own.includes("code_128") && own.includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: wanted.filter((one) => own.includes(one)) });
    return async (seen) => (await detector.detect(seen)).map((one) => one.rawValue);
  }
  await load(scanner.dataset.reader);
  await ZXingWASM.prepareZXingModule({
    overrides: { locateFile: (name, folder) => (name.endsWith(".wasm") ? scanner.dataset.wasm : folder + name) },
    fireImmediately: true,
  });
  const canvas = document.createElement("canvas");
  return async (seen) => {
    canvas.width = seen.videoWidth || seen.width;
    canvas.height = seen.videoHeight || seen.height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(seen, 0, 0);
    const found = await ZXingWASM.readBarcodes(context.getImageData(0, 0, canvas.width, canvas.height), {
      tryHarder: true,
      maxNumberOfSymbols: 4,
    });
    return found.filter((one) => one.isValid).map((one) => one.text);
  };
}

function load(address) {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = done;
    script.onerror = () => failed(new Error("The reader could not be loaded"));
    document.head.append(script);
  });
}

// Of several codes on a card the one that can be an ICCID counts.
function openLine(codes) {
  const code = codes.find((one) => /\d{18}/.test(one.replace(/[ -]/g, "")));
  if (!code) return false;
  say("Code read. Opening the line…");
  for (const track of picture.srcObject?.getTracks() ?? []) track.stop();
  location.assign(`?${new URLSearchParams({ code })}`);
  return true;
}

async function look() {
  if (!picture.srcObject?.active) return;
  const codes = picture.readyState >= picture.HAVE_CURRENT_DATA ? await reading(picture) : [];
  if (openLine(codes)) return;
  if (codes.length) say("This code has no ICCID. Try the one beside the number that starts with 89.");
  setTimeout(look, EVERY);
}

const TROUBLES = {
  NotAllowedError: "Camera access is blocked. Allow it in your browser’s settings, or choose a photo.",
  NotFoundError: "No camera found. Choose a photo, or type the ICCID.",
  NotReadableError: "The camera is in use by another app. Close it and try again.",
};

starter.addEventListener("click", async () => {
  starter.disabled = true;
  say("Starting the camera…");
  try {
    picture.srcObject = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1280 } },
    });
    reading ??= await reader();
    picture.hidden = false;
    await picture.play();
    say("Hold the code on the card in front of the camera: a barcode or a QR code.");
    look();
  } catch (trouble) {
    starter.disabled = false;
    say(TROUBLES[trouble.name] ?? "The camera could not be started. Choose a photo, or type the ICCID.");
  }
});

document.getElementById("scan-photo").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  say("Reading the photo…");
  try {
    reading ??= await reader();
    if (!openLine(await reading(await createImageBitmap(file))))
      say("No ICCID found in this photo. Take it closer and straight.");
  } catch {
    say("This photo could not be read. Choose another one, or type the ICCID.");
  }
});
