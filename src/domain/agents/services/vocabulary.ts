/** The words by which skills are found in a coach's text, per sport, in English and German. Longer words come first. */

interface Skill {
  readonly name: string
  readonly words: readonly string[]
}

const racket: readonly Skill[] = [
  { name: "Backhand", words: ["backhand", "rückhand"] },
  { name: "Forehand", words: ["forehand", "vorhand"] },
  { name: "Serve", words: ["second serve", "first serve", "serve", "serves", "serving", "aufschlag", "aufschläge"] },
  { name: "Return", words: ["return of serve", "returns", "return", "rückschlag"] },
  { name: "Volley", words: ["volley", "volleys", "flugball", "flugbälle"] },
  { name: "Smash", words: ["smash", "smashes", "overhead", "schmetterball", "schmetterbälle"] },
  { name: "Lob", words: ["lob", "lobs"] },
  { name: "Drop shot", words: ["drop shot", "drop shots", "stoppball", "stopp"] },
  { name: "Footwork", words: ["footwork", "split step", "beinarbeit"] },
  { name: "Grip", words: ["grip", "griff", "griffhaltung"] },
  { name: "Positioning", words: ["positioning", "court position", "stellungsspiel"] },
  { name: "Tactics", words: ["tactics", "tactical", "taktik", "taktisch"] },
]

const ball: readonly Skill[] = [
  { name: "Passing", words: ["passing", "pass", "passes", "passspiel", "pässe"] },
  { name: "Shooting", words: ["shooting", "shot", "shots", "schuss", "torschuss"] },
  { name: "Dribbling", words: ["dribbling", "dribble", "dribbles"] },
  { name: "Defence", words: ["defence", "defense", "defending", "verteidigung"] },
  { name: "Positioning", words: ["positioning", "stellungsspiel"] },
  { name: "Teamwork", words: ["teamwork", "zusammenspiel"] },
]

const bySport: Readonly<Record<string, readonly Skill[]>> = {
  tennis: racket,
  padel: [
    ...racket,
    { name: "Bandeja", words: ["bandeja"] },
    { name: "Wall play", words: ["wall play", "off the wall", "wand"] },
  ],
  badminton: [...racket, { name: "Clear", words: ["clear", "clears"] }],
  squash: [...racket, { name: "Boast", words: ["boast", "boasts"] }],
  "table tennis": [...racket, { name: "Topspin", words: ["topspin"] }],
  football: ball,
  soccer: ball,
  basketball: [...ball, { name: "Rebounding", words: ["rebound", "rebounds", "rebounding"] }],
  volleyball: [
    { name: "Serve", words: ["serve", "serves", "aufschlag"] },
    { name: "Setting", words: ["setting", "set", "zuspiel"] },
    { name: "Block", words: ["block", "blocking"] },
    { name: "Reception", words: ["reception", "receive", "annahme"] },
  ],
  swimming: [
    { name: "Breathing", words: ["breathing", "atmung"] },
    { name: "Turns", words: ["tumble turn", "turns", "turn", "wende"] },
    { name: "Starts", words: ["start", "starts"] },
    { name: "Kick", words: ["leg kick", "kick", "beinschlag"] },
    { name: "Butterfly", words: ["butterfly", "schmetterling", "delfin"] },
    { name: "Breaststroke", words: ["breaststroke", "brustschwimmen"] },
    { name: "Backstroke", words: ["backstroke", "rückenschwimmen"] },
    { name: "Freestyle", words: ["freestyle", "front crawl", "kraul"] },
  ],
}

/** Of every sport. */
const general: readonly Skill[] = [
  { name: "Fitness", words: ["fitness", "endurance", "stamina", "ausdauer"] },
  { name: "Coordination", words: ["coordination", "koordination"] },
  { name: "Concentration", words: ["concentration", "focus", "konzentration"] },
]

/** The names of the skills that a text speaks of, in the order of the vocabulary. @param sports of the facility */
export function skillsNamedIn(text: string, sports: readonly string[]): string[] {
  const known = sports.flatMap((sport) => bySport[sport.toLowerCase()] ?? [])
  const found = [...known, ...general].filter(({ words }) => words.some((word) => speaksOf(text, word)))
  return [...new Set(found.map(({ name }) => name))]
}

/** The whole word, in any letter case. */
const speaksOf = (text: string, word: string) =>
  new RegExp(`(?<![\\p{L}\\p{N}])${word.replaceAll(" ", "\\s+")}(?![\\p{L}\\p{N}])`, "iu").test(text)
