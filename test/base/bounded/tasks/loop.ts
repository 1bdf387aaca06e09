// A task that never ends, and gives nobody else a turn in its process.

export default () => {
  for (let turns = 0; ; turns++) Math.sqrt(turns)
}
