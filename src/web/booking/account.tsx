/** The account: language, what the person is told and how, push messages on this device, and signing out. */
import { useEffect, useState } from "react"
import { Button, Label, Radio, RadioGroup, Switch } from "react-aria-components"
import type { Preferences, Switch as Toggle } from "./answers.ts"
import { useClub } from "./club.ts"
import { type PushState, pushState, switchPush } from "./push.ts"
import { signOut } from "./session.ts"
import { FaultNote } from "./sheet.tsx"
import type { PageLanguage } from "./times.ts"
import { useWork } from "./use-work.ts"

export function AccountView({ onSignedOut }: { readonly onSignedOut: () => void }) {
  const { words, api, me, setMe, language, setLanguage } = useClub()
  const work = useWork()
  const choose = (chosen: string) =>
    work.run(async () => {
      setLanguage(chosen as PageLanguage)
      await api.send("PATCH", "/v1/me", { language: chosen })
    })
  return (
    <>
      <h1 tabIndex={-1}>{words.account}</h1>
      <div className="card">
        <h2>{me?.name}</h2>
        <p className="help">{me?.email}</p>
        <Button
          className="quiet"
          onPress={() =>
            work.run(async () => {
              await signOut(api)
              setMe(undefined)
              onSignedOut()
            })
          }
        >
          {words.signOut}
        </Button>
      </div>
      <div className="card">
        <RadioGroup className="choices" value={language} onChange={choose}>
          <Label>{words.language}</Label>
          <div className="chips">
            <Radio value="en" className="chip" lang="en">
              {words.english}
            </Radio>
            <Radio value="de" className="chip" lang="de">
              {words.german}
            </Radio>
          </div>
        </RadioGroup>
        <FaultNote says={work.fault} />
      </div>
      <PushCard />
      <PreferencesCard />
    </>
  )
}

function PushCard() {
  const { words, api } = useClub()
  const [state, setState] = useState<PushState>()
  const work = useWork()
  useEffect(() => {
    pushState(api).then(setState, () => setState("gone"))
  }, [api])
  if (state === undefined) return null
  const says = { on: words.pushHelp, off: words.pushHelp, never: words.pushNever, gone: words.pushGone }[state]
  return (
    <div className="card">
      <h2>{words.push}</h2>
      <p className="help">{says}</p>
      {(state === "on" || state === "off") && (
        <Switch
          className="switch"
          isSelected={state === "on"}
          isDisabled={work.isBusy}
          onChange={(isOn) => work.run(async () => setState(await switchPush(api, isOn)))}
        >
          <span className="knob" aria-hidden="true" />
          {words.pushOn}
        </Switch>
      )}
      <FaultNote says={work.fault} />
    </div>
  )
}

const channels = ["email", "push", "sms", "in_app"] as const

function PreferencesCard() {
  const { facts, words, language, api, me } = useClub()
  const onlyPlays = me?.roles.every(({ role }) => role === "player" || role === "parent") ?? true
  const [preferences, setPreferences] = useState<Preferences>()
  const work = useWork()
  useEffect(() => {
    api.get<Preferences>("/v1/me/message-preferences").then(setPreferences, () => {})
  }, [api])
  const names = { email: words.byEmail, sms: words.bySms, push: words.byPush, in_app: words.byInApp }
  const change = (changed: Toggle) =>
    work.run(async () => {
      if (preferences === undefined) return
      const others = preferences.switches.filter(
        ({ type, channel }) => type !== changed.type || channel !== changed.channel,
      )
      const wanted = { switches: [...others, changed], quietHours: preferences.quietHours }
      setPreferences(await api.send<Preferences>("PUT", "/v1/me/message-preferences", wanted))
    })
  const kinds = (preferences?.types ?? []).filter(
    ({ type, required }) =>
      !required && facts.messageKinds[language][type] && (!onlyPlays || facts.kindsOfPlayers.includes(type)),
  )
  if (kinds.length === 0) return null
  return (
    <div className="card">
      <h2>{words.tellMe}</h2>
      <p className="help">{words.tellMeHelp}</p>
      <ul className="kinds">
        {kinds.map(({ type, channels: sent }) => (
          <li key={type}>
            <fieldset className="chips">
              <legend>{facts.messageKinds[language][type]}</legend>
              {channels
                .filter((channel) => sent[channel] !== undefined)
                .map((channel) => (
                  <Switch
                    key={channel}
                    className="switch small"
                    isSelected={sent[channel] === true}
                    isDisabled={work.isBusy}
                    onChange={(enabled) => change({ type, channel, enabled })}
                  >
                    <span className="knob" aria-hidden="true" />
                    {names[channel]}
                  </Switch>
                ))}
            </fieldset>
          </li>
        ))}
      </ul>
      <FaultNote says={work.fault} />
    </div>
  )
}
