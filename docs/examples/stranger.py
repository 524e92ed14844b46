"""Train SAC, plot how it follows a person that it never saw: python docs/examples/stranger.py."""

import gymnasium as gym
import matplotlib.pyplot as plt
from stable_baselines3 import SAC

train = gym.make("eeg_emotion_env:EEGEmotion-SEED-v0", subjects=[1, 2, 3])  # data="~/SEED"
model = SAC("MlpPolicy", train, gamma=0.0, seed=0).learn(4_000)  # a minute or two
test = gym.make("EEGEmotion-SEED-v0", subjects=[4], render_mode="rgb_array")
(observation, info), done = test.reset(options={"trial": 3}), False
while not done:
    action, _ = model.predict(observation, deterministic=True)
    observation, reward, done, _, info = test.step(action)
plt.imsave("trajectory.png", test.render())
